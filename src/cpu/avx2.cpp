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

// Dequantising leaves the even k of a block of 16 in one vector and the odd ones in the next.
inline int k_of_lane(int lane) {
  return lane / 16 * 16 + lane % 8 * 2 + lane % 16 / 8;
}

// ---- dequantise -----------------------------------------------------------------------------------------------------

// One row of a block of 16 k as fp32: `words` hold four rows' nibbles, two look-ups by scale give the bytes of bf16.
inline void expand_words(__m256i words, int row, uint8_t scale, Vec* even, Vec* odd) {
  const uint8_t(*planes)[16] = kDequantTables.planes[scale];
  const __m256i low_table = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(planes[0])));
  const __m256i high_table = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(planes[1])));
  const __m256i index = _mm256_and_si256(_mm256_srli_epi16(words, 4 * row), _mm256_set1_epi16(0x000F));
  // NOTE: the upper byte of a word holds no index and looks up entry 0. Its low byte is 0 for every scale but NaN,
  // where it ORs into a NaN and leaves a NaN; the high byte is shifted out.
  const __m256i low = _mm256_shuffle_epi8(low_table, index);
  const __m256i high = _mm256_slli_epi16(_mm256_shuffle_epi8(high_table, index), 8);
  const __m256i bf16 = _mm256_or_si256(low, high);
  *even = _mm256_castsi256_ps(_mm256_slli_epi32(bf16, 16));
  *odd = _mm256_castsi256_ps(_mm256_and_si256(bf16, _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

inline void dequantise_block(const uint8_t* codes, const uint8_t* scales, float* out) {
  const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
#pragma GCC unroll 4
  for (int row = 0; row < 4; ++row) {
    Vec even;
    Vec odd;
    expand_words(words, row, scales[2 * row], &even, &odd);
    _mm256_storeu_ps(out + 8 * row, even);
    _mm256_storeu_ps(out + 32 + 8 * row, odd);
  }
}

void dequantise(DequantRun& run, int64_t end) {
  for (; run.next < end; ++run.next) {
    const int64_t step = run.next / 8;
    const int64_t quarter = run.next % 8;
    const uint8_t* packed = run.packed + step * 576;
    if (run.prefetch_bytes > 0) {
      _mm_prefetch(reinterpret_cast<const char*>(packed + 64 * quarter + run.prefetch_bytes), _MM_HINT_T0);
      ++run.lines_prefetched;
      if (quarter == 0) {
        _mm_prefetch(reinterpret_cast<const char*>(packed + 512 + run.prefetch_bytes), _MM_HINT_T0);  // scales
        ++run.lines_prefetched;
      }
    }
    float* out = reinterpret_cast<float*>(run.buffer + (quarter * run.steps + step) * 512);
    const uint8_t* scales = packed + 512 + 8 * quarter;
    dequantise_block(packed + 64 * quarter, scales, out);
    dequantise_block(packed + 64 * quarter + 32, scales + 1, out + 64);
  }
}

#include "cpu/lane_dot.inl.hpp"

// ---- few tokens -----------------------------------------------------------------------------------------------------

constexpr int kSums = 12;
constexpr int kUnitsPerStep = 2;
typedef __m256i Unit;

inline Unit load_unit(const uint8_t* step, int64_t quarter, int unit) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(step + 64 * quarter + 32 * unit));
}
inline void expand_row(Unit words, const uint8_t* scales, int row, int unit, Vec* even, Vec* odd) {
  expand_words(words, row, scales[2 * row + unit], even, odd);
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
    .token_split = 1,
    .buffer_step_bytes = 4096,
    .enter = nullptr,
    .leave = nullptr,
    .pack_tokens = pack_tokens,
    .vector_bytes = sizeof(Vec),
    .dequantise = dequantise,
    .multiply = multiply,
    .dot_packed = dot_packed,
    .direct_tokens = 12,
    .finish = finish,
    .spin_multiply_add = spin_multiply_add,
};

}  // namespace thresher::cpu
