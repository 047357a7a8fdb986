// E4M3 (the variant without infinities), the 8-bit type of the block scales: bias 7, largest 448, 0x7F and 0xFF are
// NaN.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "format/rounding.hpp"

namespace thresher {

inline constexpr float kE4m3Max = 448.0f;
inline constexpr std::uint8_t kE4m3One = 0x38;
inline constexpr std::uint8_t kE4m3Largest = 0x7E;
inline constexpr std::uint8_t kE4m3Nan = 0x7F;

constexpr bool e4m3_is_nan(std::uint8_t code) {
  return (code & 0x7F) == 0x7F;
}

/// The value of a code, exact; 0x7F and 0xFF give a quiet NaN.
constexpr float e4m3_to_float(std::uint8_t code) {
  if (e4m3_is_nan(code)) return std::numeric_limits<float>::quiet_NaN();
  const std::uint32_t sign = static_cast<std::uint32_t>(code & 0x80) << 24;
  const std::uint32_t magnitude = code & 0x7Fu;
  if (magnitude < 8) {  // zero and subnormals: multiples of 2^-9
    const float value = static_cast<float>(magnitude) * 0x1p-9f;
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((magnitude << 20) + ((127u - 7u) << 23)));
}

/// The nearest code: ties to even, subnormals included, the sign kept. Everything beyond 448 saturates at 448,
/// infinities too; a NaN of either sign gives 0x7F.
constexpr std::uint8_t e4m3_from_float(float value) {
  if (value != value) return kE4m3Nan;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 24) & 0x80u;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  const int exponent = static_cast<int>(magnitude >> 23) - 127;
  std::uint32_t code = 0;
  if (exponent >= 9) {  // >= 512; here because the code of a large exponent would not fit 7 bits
    code = kE4m3Largest;
  } else if (exponent >= -6) {
    code = shift_right_even(magnitude - ((127u - 7u) << 23), 20);
  } else if (exponent > -127) {  // fp32 subnormals (exponent -127) are far below half of 2^-9
    code = shift_right_even((magnitude & 0x7FFFFFu) | 0x800000u, 14 - exponent);
  }
  if (code > kE4m3Largest) code = kE4m3Largest;
  return static_cast<std::uint8_t>(sign | code);
}

}  // namespace thresher
