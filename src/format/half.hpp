// fp16 and bf16 as bit patterns: conversions to and from fp32, to nearest with ties to even, subnormals kept.
#pragma once

#include <bit>
#include <cstdint>

#include "format/rounding.hpp"

namespace thresher {

/// fp32 -> fp16. Overflow (from 65520 on) gives infinity; a NaN stays a quiet NaN of its sign.
constexpr std::uint16_t fp16_from_float(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x1FFu));
  const int exponent = static_cast<int>(magnitude >> 23) - 127;
  std::uint32_t half = 0;
  if (exponent >= 16) {
    half = 0x7C00u;
  } else if (exponent >= -14) {
    half = shift_right_even(magnitude - ((127u - 15u) << 23), 13);  // a carry out of 65504 lands on infinity
  } else if (exponent > -127) {  // fp32 subnormals (exponent -127) are far below half of 2^-24
    half = shift_right_even((magnitude & 0x7FFFFFu) | 0x800000u, -1 - exponent);
  }
  return static_cast<std::uint16_t>(sign | half);
}

/// fp16 -> fp32, exact; a signalling NaN becomes quiet.
constexpr float fp16_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t magnitude = half & 0x7FFFu;
  if (magnitude < 0x400u) {  // zero and subnormals: multiples of 2^-24
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  if (magnitude < 0x7C00u) return std::bit_cast<float>(sign | ((magnitude << 13) + ((127u - 15u) << 23)));
  const std::uint32_t payload = (magnitude & 0x3FFu) << 13;
  return std::bit_cast<float>(sign | 0x7F800000u | payload | (payload != 0 ? 0x400000u : 0u));
}

/// fp32 -> bf16. Overflow gives infinity; a NaN stays a quiet NaN of its sign.
constexpr std::uint16_t bf16_from_float(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>(shift_right_even(bits, 16));
}

/// bf16 -> fp32, exact; a signalling NaN becomes quiet.
constexpr float bf16_to_float(std::uint16_t half) {
  const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
  return std::bit_cast<float>((bits & 0x7FFFFFFFu) > 0x7F800000u ? bits | 0x400000u : bits);
}

}  // namespace thresher
