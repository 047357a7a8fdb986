// The dequantisation tables: every product of a scale and an E2M1 code, computed by the compiler.
#include <bit>
#include <cstdint>

#include "cpu/kernel_table.hpp"

namespace thresher::cpu {
namespace {

constexpr double e2m1(unsigned code) {
  constexpr double magnitudes[8] = {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0};
  return (code & 8U) != 0 ? -magnitudes[code & 7U] : magnitudes[code & 7U];
}

// NaN codes are handled by the caller.
constexpr double e4m3(unsigned code) {
  const unsigned exponent = (code >> 3U) & 15U;
  double value = exponent == 0 ? (code & 7U) / 8.0 : 1.0 + (code & 7U) / 8.0;
  for (unsigned i = 0; i < (exponent == 0 ? 1U : exponent); ++i) {
    value *= 2.0;
  }
  for (int i = 0; i < 7; ++i) {
    value /= 2.0;
  }
  return (code & 128U) != 0 ? -value : value;
}

constexpr std::uint16_t bf16_bits(unsigned scale, unsigned code) {
  constexpr std::uint16_t quiet_nan = 0x7FC0;
  if ((scale & 127U) == 127U) {
    return quiet_nan;
  }
  // Exact: at most 6 significant bits, so the low half of the fp32 pattern is zero.
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(e4m3(scale) * e2m1(code))) >> 16U);
}

constexpr DequantTables make_tables() {
  DequantTables tables{};
  for (unsigned scale = 0; scale < 256; ++scale) {
    for (unsigned code = 0; code < 16; ++code) {
      const std::uint16_t bits = bf16_bits(scale, code);
      tables.words[scale][code] = bits;
      // Twice, so that a blend of two scales' planes gives each half of a vector its own table.
      for (unsigned half = 0; half < 32; half += 16) {
        tables.planes[scale][0][half + code] = static_cast<std::uint8_t>(bits & 0xFFU);
        tables.planes[scale][1][half + code] = static_cast<std::uint8_t>(bits >> 8U);
      }
    }
  }
  return tables;
}

}  // namespace

constexpr DequantTables kComputedTables = make_tables();
const DequantTables kDequantTables = kComputedTables;

}  // namespace thresher::cpu
