// A small random generator with the same bits on every platform, for inputs only.
#pragma once

#include <cstdint>

namespace thresher {

/// A bijective scramble of 64 bits (the finaliser of splitmix64): neighbours in, unrelated numbers out.
constexpr std::uint64_t mix64(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/// splitmix64: 64 bits a step, one multiply-chain, any seed is good. No libm, so no platform differences.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(mix64(seed + kStep)) {}

  constexpr std::uint64_t next() { return mix64(state_ += kStep); }

  /// Uniform in [0, bound), bound <= 2^32. The bias of bound / 2^32 does not matter to inputs.
  constexpr std::uint32_t below(std::uint64_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

  /// Uniform in [0, 1), a multiple of 2^-24: exact in float.
  constexpr float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24f; }

  /// Nearly N(0, 1): the sum of 12 uniforms, centred. Ends at +-6, which no test needs to exceed.
  constexpr float normal() {
    std::int64_t sum = 0;
    for (int draw = 0; draw < 3; ++draw) {
      const std::uint64_t bits = next();
      for (int part = 0; part < 4; ++part)
        sum += static_cast<std::int64_t>((bits >> (16 * part)) & 0xFFFF);
    }
    return static_cast<float>(sum - 6 * 65535) * 0x1p-16f;
  }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15ull;
  std::uint64_t state_;
};

}  // namespace thresher
