// Wrong: two threads add their half of k to the same sums without a lock, so that additions are lost now and then.
// Expected: check, comparison with the reference.
#include <atomic>
#include <thread>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    const auto count = static_cast<std::size_t>(rows(call) * n_);
    gate_sums_.assign(count, 0.0f);
    up_sums_.assign(count, 0.0f);
    load_rows(call, 0, rows(call), scratch_.a);
    // Halves of whole blocks; the smallest k is one block, which then all belongs to the second.
    const std::int64_t middle = k_ / 32 * 16;
    // Both at once, or a machine with one free core would run them one after the other and lose nothing.
    std::atomic<int> waiting = 2;
    const auto meet = [&waiting] {
      for (--waiting; waiting > 0;)
        std::this_thread::yield();
    };
    std::thread other([this, &call, &meet, middle] {
      meet();
      add(call, 0, middle);
    });
    meet();
    add(call, middle, k_);
    other.join();
    for (std::int64_t group = 0; group < groups_; ++group) {
      for (std::int64_t i = call.offsets[group] * n_; i < call.offsets[group + 1] * n_; ++i) {
        const auto at = static_cast<std::size_t>(i);
        call.out[i] = thresher::fp16_from_float(finish(call, group, gate_sums_[at], up_sums_[at]));
      }
    }
    return 0;
  }

 private:
  void add(const zoo::Call& call, std::int64_t begin, std::int64_t end) {
    std::vector<float> weights(static_cast<std::size_t>(k_));
    for (std::int64_t group = 0; group < groups_; ++group) {
      const auto index = static_cast<std::size_t>(group);
      add_product(call, group, gate_[index], begin, end, weights.data(), gate_sums_.data());
      if (gated_) add_product(call, group, up_[index], begin, end, weights.data(), up_sums_.data());
    }
  }

  // Reads the sums of a group, computes for long, writes them back: what the other thread wrote meanwhile is lost.
  void add_product(const zoo::Call& call, std::int64_t group, const zoo::Matrix& matrix, std::int64_t begin,
                   std::int64_t end, float* weights, float* sums) const {
    float* first = sums + call.offsets[group] * n_;
    float* last = sums + call.offsets[group + 1] * n_;
    std::vector<float> own(first, last);
    for (std::int64_t col = 0; col < n_; ++col) {
      zoo::dequantise<zoo::Exact>(matrix.codes + col * k_ / 2, matrix.scales + col * k_ / 16, k_, weights);
      for (std::int64_t row = call.offsets[group]; row < call.offsets[group + 1]; ++row) {
        const float part = zoo::Exact::dot(scratch_.a.data() + row * k_ + begin, weights + begin, end - begin);
        own[static_cast<std::size_t>((row - call.offsets[group]) * n_ + col)] += part;
      }
    }
    std::copy(own.begin(), own.end(), first);
  }

  std::vector<float> gate_sums_;
  std::vector<float> up_sums_;
};

}  // namespace

ZOO_LIBRARY(Attack)
