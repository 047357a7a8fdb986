// The activation pass of the peer. It must not be what makes the peer slow: one read, one write, the widest vectors.
#include "gated_finish.hpp"

#include <immintrin.h>

#include <bit>

namespace thresher::peers {
namespace {

// Columns that a thread takes at a time; their floats stay in L1 between the two steps.
constexpr std::int64_t kChunk = 512;

// exp(x) for x <= 0 by 2^n * 2^f, f in [-0.5, 0.5], a Taylor polynomial of degree 6: 3e-7 relative, far below bf16.
inline float exp_negative(float x) {
  const float clamped = x < -87.0f ? -87.0f : x;
  const float scaled = clamped * 1.44269504f;
  // Adding 1.5 * 2^23 rounds to the nearest integer, which then is in the low bits.
  const float shifted = scaled + 12582912.0f;
  const float f = (scaled - (shifted - 12582912.0f)) * 0.693147181f;
  const float p =
      1.0f + f * (1.0f + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f * (1.0f / 720))))));
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + (std::bit_cast<std::uint32_t>(shifted) << 23));
}

inline float silu_times(float gate, float up) {
  const float magnitude = gate < 0 ? -gate : gate;
  const float e = exp_negative(-magnitude);
  // sigmoid(g) is 1 / (1 + e) for g >= 0 and e / (1 + e) below.
  return gate * (gate < 0 ? e : 1.0f) / (1.0f + e) * up;
}

inline float widen(float value) {
  return value;
}

inline float widen(std::uint16_t value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

// The clones differ in the width that the compiler vectorises to; the best is chosen when the program loads.
__attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default"))) void activate_bf16(
    const std::uint16_t* gate, const std::uint16_t* up, std::int64_t count, float alpha_gate, float alpha_up,
    float* out) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = silu_times(alpha_gate * widen(gate[i]), alpha_up * widen(up[i]));
}

__attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default"))) void activate_fp32(
    const float* gate, const float* up, std::int64_t count, float alpha_gate, float alpha_up, float* out) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = silu_times(alpha_gate * widen(gate[i]), alpha_up * widen(up[i]));
}

__attribute__((target("avx2,f16c"))) void narrow_to_fp16(const float* values, std::int64_t count, std::uint16_t* out) {
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(values + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), halves);
  }
  for (; i < count; ++i)
    out[i] = static_cast<std::uint16_t>(_cvtss_sh(values[i], _MM_FROUND_TO_NEAREST_INT));
}

}  // namespace

void finish_gated(const Products& products, std::int64_t rows, std::int64_t columns, float alpha_gate, float alpha_up,
                  std::uint16_t* out) {
  const std::int64_t chunks = (columns + kChunk - 1) / kChunk;
#pragma omp parallel for schedule(static) collapse(2)
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      alignas(64) float values[kChunk];
      const std::int64_t first = chunk * kChunk;
      const std::int64_t count = columns - first < kChunk ? columns - first : kChunk;
      const std::int64_t at = row * products.row_stride + first;
      if (products.bf16) {
        activate_bf16(static_cast<const std::uint16_t*>(products.gate) + at,
                      static_cast<const std::uint16_t*>(products.up) + at, count, alpha_gate, alpha_up, values);
      } else {
        activate_fp32(static_cast<const float*>(products.gate) + at, static_cast<const float*>(products.up) + at, count,
                      alpha_gate, alpha_up, values);
      }
      narrow_to_fp16(values, count, out + row * columns + first);
    }
  }
}

}  // namespace thresher::peers
