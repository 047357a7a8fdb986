// E2M1, the 4-bit element type of NVFP4: codes 0..7 are 0 .5 1 1.5 2 3 4 6, bit 3 is the sign.
#pragma once

#include <bit>
#include <cstdint>

namespace thresher {

inline constexpr float kE2m1Max = 6.0f;

/// The value of a code. Only the low 4 bits are looked at; code 8 is -0.
constexpr float e2m1_to_float(std::uint8_t code) {
  constexpr float kMagnitudes[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
  const float magnitude = kMagnitudes[code & 7];
  return (code & 8) != 0 ? -magnitude : magnitude;
}

/// The nearest code: ties to the even code, saturating at 6, the sign kept (-0 gives 8). E2M1 has no NaN: a NaN of
/// either sign gives 7.
constexpr std::uint8_t e2m1_from_float(float value) {
  if (value != value) return 7;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const float a = std::bit_cast<float>(bits & 0x7FFFFFFFu);
  // Midpoints of neighbours; `>=` where the upper neighbour has the even code, `>` where the lower has.
  const int magnitude = static_cast<int>(a > 0.25f) + static_cast<int>(a >= 0.75f) + static_cast<int>(a > 1.25f) +
                        static_cast<int>(a >= 1.75f) + static_cast<int>(a > 2.5f) + static_cast<int>(a >= 3.5f) +
                        static_cast<int>(a > 5.0f);
  return static_cast<std::uint8_t>(static_cast<std::uint32_t>(magnitude) | ((bits >> 31) << 3));
}

}  // namespace thresher
