// Poisoned and fenced result memory.
#include "cli/output_buffer.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace thresher::cli {
namespace {

constexpr std::size_t kAlignment = 64;
// Two pages' worth would be kinder to a stray tile, but 4 KiB already holds a row of 64 columns too many in any type.
constexpr std::size_t kFence = 4096;

std::size_t round_up(std::size_t value) {
  return (value + kAlignment - 1) / kAlignment * kAlignment;
}

std::size_t bits_per_element(OutputType type) {
  return type == OutputType::nvfp4 ? 4 : type == OutputType::fp32 ? 32 : 16;
}

}  // namespace

std::size_t output_bytes(const Problem& problem) {
  return static_cast<std::size_t>(problem.total_m() * problem.n) * bits_per_element(problem.output) / 8;
}

std::size_t output_scale_bytes(const Problem& problem) {
  return problem.output == OutputType::nvfp4 ? static_cast<std::size_t>(problem.total_m() * problem.n / kScaleBlock)
                                             : 0;
}

AlignedBytes::AlignedBytes(std::size_t size)
    : size_(size),
      data_(static_cast<std::byte*>(std::aligned_alloc(kAlignment, round_up(std::max<std::size_t>(size, 1))))) {
  if (data_ == nullptr) {
    throw std::bad_alloc();
  }
}

void AlignedBytes::Free::operator()(std::byte* data) const noexcept {
  std::free(data);
}

OutputBuffer::OutputBuffer(const Problem& problem, float out_global_scale)
    : shape_{.type = problem.output, .global_scale = out_global_scale, .rows = problem.total_m(), .n = problem.n},
      data_bytes_(output_bytes(problem)),
      scale_bytes_(output_scale_bytes(problem)),
      memory_(3 * kFence + round_up(data_bytes_) + round_up(scale_bytes_)) {
  poison(kPoisons[0]);
}

std::span<std::byte> OutputBuffer::data() const {
  return memory_.span().subspan(kFence, data_bytes_);
}

std::span<std::byte> OutputBuffer::scales() const {
  return memory_.span().subspan(2 * kFence + round_up(data_bytes_), scale_bytes_);
}

void OutputBuffer::poison(std::byte value) {
  poison_ = value;
  std::ranges::fill(memory_.span(), value);
}

OutputView OutputBuffer::view() const {
  OutputView view = shape_;
  view.data = data().data();
  view.scales = scale_bytes_ > 0 ? reinterpret_cast<std::uint8_t*>(scales().data()) : nullptr;
  return view;
}

bool OutputBuffer::fences_intact() const {
  const std::span<std::byte> all = memory_.span();
  const auto intact = [&](std::byte* begin, std::byte* end) {
    return std::all_of(begin, end, [this](std::byte b) { return b == poison_; });
  };
  return intact(all.data(), data().data()) && intact(data().data() + data_bytes_, scales().data()) &&
         intact(scales().data() + scale_bytes_, all.data() + all.size());
}

bool OutputBuffer::same_bytes(const OutputBuffer& other) const {
  return std::ranges::equal(data(), other.data()) && std::ranges::equal(scales(), other.scales());
}

}  // namespace thresher::cli
