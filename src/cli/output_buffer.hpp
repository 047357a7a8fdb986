// Memory for a result, filled with poison before a call and fenced on both sides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "thresher/problem.hpp"
#include "thresher/views.hpp"

namespace thresher::cli {

/// 64-byte aligned bytes that are not initialised.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t size);
  [[nodiscard]] std::span<std::byte> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept;
  };
  std::size_t size_;
  std::unique_ptr<std::byte[], Free> data_;
};

/// Bytes that a kernel never writes by accident: 0xFF reads back as NaN in every output type, 0x5A as a finite number.
/// NOTE: one poison alone would hide unwritten elements where the reference has that very value, NaN above all.
inline constexpr std::byte kPoisons[] = {std::byte{0xFF}, std::byte{0x5A}};

/// Bytes of a problem's result, and of its scales, which only NVFP4 results have.
std::size_t output_bytes(const Problem& problem);
std::size_t output_scale_bytes(const Problem& problem);

class OutputBuffer {
 public:
  OutputBuffer(const Problem& problem, float out_global_scale);

  /// Fills everything, fences too.
  void poison(std::byte value);

  /// What a call writes to; 64-byte aligned.
  [[nodiscard]] OutputView view() const;

  /// True while nothing wrote beside the result since poison().
  [[nodiscard]] bool fences_intact() const;

  /// Data, then scales.
  [[nodiscard]] bool same_bytes(const OutputBuffer& other) const;

 private:
  [[nodiscard]] std::span<std::byte> data() const;
  [[nodiscard]] std::span<std::byte> scales() const;

  OutputView shape_;
  std::size_t data_bytes_ = 0;
  std::size_t scale_bytes_ = 0;
  std::byte poison_{};
  AlignedBytes memory_;  // fence, data, fence, scales, fence
};

}  // namespace thresher::cli
