// Row-major scales to the 128x4 swizzle and back.
#include "format/scale_layout.hpp"

#include <string>

#include "thresher/error.hpp"

namespace thresher {
namespace {

void check(std::size_t have, std::int64_t rows, std::int64_t k, bool swizzled) {
  if (rows < 0 || k < kScaleBlock || k % kScaleBlock != 0) {
    throw Error(ErrorCode::invalid_argument, "rows = " + std::to_string(rows) + ", k = " + std::to_string(k) +
                                                 ": rows must be >= 0 and k a positive multiple of 16");
  }
  const std::int64_t need = swizzled ? swizzled_scale_bytes(rows, k) : rows * (k / kScaleBlock);
  if (have != static_cast<std::size_t>(need)) {
    throw Error(ErrorCode::invalid_argument, std::to_string(have) + " bytes of " +
                                                 (swizzled ? "swizzled" : "row-major") +
                                                 " scales do not match rows = " + std::to_string(rows) +
                                                 ", k = " + std::to_string(k) + ": give " + std::to_string(need));
  }
}

}  // namespace

std::vector<std::uint8_t> swizzle_scales(std::span<const std::uint8_t> scales, std::int64_t rows, std::int64_t k) {
  check(scales.size(), rows, k, false);
  std::vector<std::uint8_t> swizzled(static_cast<std::size_t>(swizzled_scale_bytes(rows, k)), 0);
  const std::int64_t cols = k / kScaleBlock;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t col = 0; col < cols; ++col) {
      swizzled[static_cast<std::size_t>(swizzled_scale_offset(row, col, k))] =
          scales[static_cast<std::size_t>(row * cols + col)];
    }
  }
  return swizzled;
}

std::vector<std::uint8_t> unswizzle_scales(std::span<const std::uint8_t> swizzled, std::int64_t rows, std::int64_t k) {
  check(swizzled.size(), rows, k, true);
  const std::int64_t cols = k / kScaleBlock;
  std::vector<std::uint8_t> scales(static_cast<std::size_t>(rows * cols));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t col = 0; col < cols; ++col) {
      scales[static_cast<std::size_t>(row * cols + col)] =
          swizzled[static_cast<std::size_t>(swizzled_scale_offset(row, col, k))];
    }
  }
  return scales;
}

}  // namespace thresher
