// The AVX2 + FMA kernel: fp32, 4 weight rows x 3 tokens in registers.
#include <immintrin.h>

#include "cpu/kernel_table.hpp"

namespace thresher::cpu {
namespace {

#include "cpu/activation.inl.hpp"

// ---- vectors --------------------------------------------------------------------------------------------------------

constexpr int kLanes = 8;
constexpr int kMaxTokens = 3;
typedef __m256 Vec;

inline Vec zero() {
  return _mm256_setzero_ps();
}
inline Vec load(const float* from) {
  return _mm256_loadu_ps(from);
}
inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}

// Four horizontal sums at once: two rounds of interleaving adds, then the halves.
inline void add_sums_of_rows(const Vec rows[4], float* to, int accumulate) {
  const Vec s01 = _mm256_add_ps(_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[0], rows[1]));
  const Vec s23 = _mm256_add_ps(_mm256_unpacklo_ps(rows[2], rows[3]), _mm256_unpackhi_ps(rows[2], rows[3]));
  const Vec low = _mm256_shuffle_ps(s01, s23, _MM_SHUFFLE(1, 0, 1, 0));
  const Vec high = _mm256_shuffle_ps(s01, s23, _MM_SHUFFLE(3, 2, 3, 2));
  const Vec s = _mm256_add_ps(low, high);
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
  if (accumulate != 0) {
    sum = _mm_add_ps(sum, _mm_loadu_ps(to));
  }
  _mm_storeu_ps(to, sum);
}

// Dequantising leaves a step in four vectors: k 0..7 and 16..23, even then odd ones, and k 8..15 and 24..31 likewise.
inline int k_of_lane(int lane) {
  const int vector = lane / 8;
  return lane % 4 * 2 + lane % 8 / 4 * 16 + vector % 2 + vector / 2 * 8;
}

// ---- dequantise -----------------------------------------------------------------------------------------------------

inline __m256i load_bytes(const uint8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
inline __m256i load_half_twice(const uint8_t* from) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// NOTE: on Zen 3 a blend of two loads costs nothing beside multiply-adds, while an insertion into the upper half costs
// half a cycle; every pair of halves below is therefore blended.
constexpr int kUpperHalf = 0xF0;

// Rows 2 * pair and 2 * pair + 1 of a quarter, a byte for each k: the lower half is the first block of 16 k.
inline __m256i row_pair(const uint8_t* codes, int pair) {
  __m256i middle = load_bytes(codes + 16);
  asm("" : "+x"(middle));  // loaded once: loads are what the multiplication waits for
  const __m256i first = _mm256_blend_epi32(load_half_twice(codes), middle, kUpperHalf);
  const __m256i second = _mm256_blend_epi32(middle, load_half_twice(codes + 48), kUpperHalf);
  if (pair == 0) {
    const __m256i low_byte = _mm256_set1_epi16(0x00FF);
    return _mm256_packus_epi16(_mm256_and_si256(first, low_byte), _mm256_and_si256(second, low_byte));
  }
  return _mm256_packus_epi16(_mm256_srli_epi16(first, 8), _mm256_srli_epi16(second, 8));
}

// One row of a step as fp32: the scales of its two blocks select the tables of each half, two look-ups give the bytes
// of bf16.
inline void expand_row(__m256i pair, const uint8_t* scales, int row, Vec* values) {
  const uint8_t(*first)[32] = kDequantTables.planes[scales[2 * row]];
  const uint8_t(*second)[32] = kDequantTables.planes[scales[2 * row + 1]];
  const __m256i low_table = _mm256_blend_epi32(load_bytes(first[0]), load_bytes(second[0]), kUpperHalf);
  const __m256i high_table = _mm256_blend_epi32(load_bytes(first[1]), load_bytes(second[1]), kUpperHalf);
  const __m256i shifted = row % 2 == 0 ? pair : _mm256_srli_epi16(pair, 4);
  const __m256i index = _mm256_and_si256(shifted, _mm256_set1_epi8(0x0F));
  const __m256i low = _mm256_shuffle_epi8(low_table, index);
  const __m256i high = _mm256_shuffle_epi8(high_table, index);
  const __m256i words[2] = {_mm256_unpacklo_epi8(low, high), _mm256_unpackhi_epi8(low, high)};
  const __m256i high_half = _mm256_set1_epi32(static_cast<int>(0xFFFF0000U));
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    values[2 * i] = _mm256_castsi256_ps(_mm256_slli_epi32(words[i], 16));
    values[2 * i + 1] = _mm256_castsi256_ps(_mm256_and_si256(words[i], high_half));
  }
}

inline void dequantise_quarter(const uint8_t* codes, const uint8_t* scales, float* out) {
#pragma GCC unroll 2
  for (int pair = 0; pair < 2; ++pair) {
    const __m256i bytes = row_pair(codes, pair);
    Vec upper[4];
    Vec lower[4];
    expand_row(bytes, scales, 2 * pair, upper);
    expand_row(bytes, scales, 2 * pair + 1, lower);
    // Neighbouring stores fill a line.
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      _mm256_storeu_ps(out + 32 * v + 16 * pair, upper[v]);
      _mm256_storeu_ps(out + 32 * v + 16 * pair + 8, lower[v]);
    }
  }
}

void dequantise(DequantRun& run, int64_t end) {
  for (; run.next < end; ++run.next) {
    const int64_t step = run.next / 8;
    const int64_t quarter = run.next % 8;
    const uint8_t* packed = run.packed + step * 576;
    prefetch_packed(run, step, quarter);
    float* out = reinterpret_cast<float*>(run.buffer + (quarter * run.steps + step) * 512);
    dequantise_quarter(packed + 64 * quarter, packed + 512 + 8 * quarter, out);
  }
}

#include "cpu/lane_dot.inl.hpp"

// ---- few tokens -----------------------------------------------------------------------------------------------------

constexpr int kSums = 12;
constexpr int kDirectTokens = 12;
constexpr int kUnitRows = 2;
typedef __m256i Unit;

inline Unit load_unit(const uint8_t* codes, int unit) {
  return row_pair(codes, unit);
}

#include "cpu/dot_packed.inl.hpp"

// ---- finish ---------------------------------------------------------------------------------------------------------

inline const float* token_rows(const float* acc, int64_t first_token, float* scratch) {
  (void)scratch;
  return acc + 32 * first_token;
}

inline void narrow_row(const float* values, int output, uint16_t* out) {
  for (int i = 0; i < 32; i += 8) {
    const __m256 v = _mm256_loadu_ps(values + i);
    __m128i narrow;
    if (output == 0) {
      narrow = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    } else {
      const __m256i bits = _mm256_castps_si256(v);
      const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
      const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
      const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x00400000));
      const __m256 is_nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
      const __m256i chosen = _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(is_nan));
      const __m256i upper = _mm256_srli_epi32(chosen, 16);
      narrow = _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), narrow);
  }
}

inline void copy_line(uint8_t* to, const uint8_t* from) {
  for (int i = 0; i < 64; i += 32) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_load_si256(reinterpret_cast<const __m256i*>(from + i)));
  }
}

#include "cpu/finish.inl.hpp"

// ---- peak -----------------------------------------------------------------------------------------------------------

double spin_multiply_add(int64_t iterations) {
  constexpr int kChains = 12;
  Vec sums[kChains];
  for (int c = 0; c < kChains; ++c) {
    sums[c] = _mm256_set1_ps(1.0f + static_cast<float>(c));
  }
  const Vec factor = _mm256_set1_ps(0.999f);
  const Vec addend = _mm256_set1_ps(0.001f);
  for (int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      sums[c] = multiply_add(sums[c], factor, addend);
    }
  }
  for (int c = 0; c < kChains; ++c) {
    asm volatile("" : : "m"(sums[c]));
  }
  return static_cast<double>(iterations) * kChains * kLanes * 2;
}

}  // namespace

const IsaKernels kAvx2Kernels = {
    .name = "avx2",
    .token_tile = 1,
    .token_step_bytes = 128,
    .token_tile_pad = 64,
    .token_chunk_bytes = 0,
    .token_split = 1,
    .buffer_step_bytes = 4096,
    .enter = nullptr,
    .leave = nullptr,
    .pack_tokens = pack_tokens,
    .vector_bytes = sizeof(Vec),
    .dequantise = dequantise,
    .multiply = multiply,
    .dot_packed = dot_packed,
    .direct_tokens = kDirectTokens,
    .finish = finish,
    .spin_multiply_add = spin_multiply_add,
};

}  // namespace thresher::cpu
