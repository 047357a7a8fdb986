// The one primitive behind every conversion to a narrower float: drop low bits, rounding to nearest, ties to even.
#pragma once

#include <cstdint>

namespace thresher {

/// value / 2^shift, rounded to the nearest integer, ties to the even one. Any shift >= 0.
constexpr std::uint32_t shift_right_even(std::uint32_t value, int shift) {
  if (shift == 0) return value;
  if (shift > 32) return 0;  // less than half of the last bit, whatever the value
  const std::uint64_t wide = value;
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  const std::uint64_t kept = wide >> shift;
  const std::uint64_t dropped = wide & (2 * half - 1);
  const bool up = dropped > half || (dropped == half && (kept & 1) != 0);
  return static_cast<std::uint32_t>(kept + (up ? 1 : 0));
}

}  // namespace thresher
