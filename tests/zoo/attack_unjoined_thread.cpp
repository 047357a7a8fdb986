// Wrong: a thread computes the lower half of the rows and is not waited for. Expected: check, the output is read when
// the call has returned.
#include <thread>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  ~Attack() {
    if (late_.joinable()) late_.join();
  }
  Attack(const Attack&) = delete;
  Attack& operator=(const Attack&) = delete;

  std::int32_t run(const zoo::Call& call) {
    if (late_.joinable()) late_.join();
    const std::int64_t half = rows(call) / 2;
    // The arrays behind the call's pointers live on, the call itself and its offsets need not.
    offsets_.assign(call.offsets, call.offsets + groups_ + 1);
    zoo::Call copy = call;
    copy.offsets = offsets_.data();
    late_ = std::thread([this, copy, half] { compute(copy, {half, rows(copy), 0, n_}, late_scratch_); });
    compute(call, {0, half, 0, n_});
    return 0;
  }

 private:
  std::vector<std::int32_t> offsets_;
  zoo::Scratch late_scratch_;
  std::thread late_;
};

}  // namespace

ZOO_LIBRARY(Attack)
