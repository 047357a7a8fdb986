// The AVX-512 kernel: fp32, 4 weight rows x 6 tokens in registers.
#include <immintrin.h>

#include "cpu/kernel_table.hpp"

namespace thresher::cpu {
namespace {

#include "cpu/activation.inl.hpp"
#include "cpu/words512.inl.hpp"

// ---- vectors --------------------------------------------------------------------------------------------------------

constexpr int kLanes = 16;
constexpr int kMaxTokens = 6;
typedef __m512 Vec;

inline Vec zero() {
  return _mm512_setzero_ps();
}
inline Vec load(const float* from) {
  return _mm512_loadu_ps(from);
}
inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}

inline __m256 add_halves(Vec v) {
  return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
}

// Four horizontal sums at once: halves, two rounds of interleaving adds, halves again.
inline void add_sums_of_rows(const Vec rows[4], float* to, int accumulate) {
  const __m256 r0 = add_halves(rows[0]);
  const __m256 r1 = add_halves(rows[1]);
  const __m256 r2 = add_halves(rows[2]);
  const __m256 r3 = add_halves(rows[3]);
  const __m256 s01 = _mm256_add_ps(_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
  const __m256 s23 = _mm256_add_ps(_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
  const __m256 low = _mm256_shuffle_ps(s01, s23, _MM_SHUFFLE(1, 0, 1, 0));
  const __m256 high = _mm256_shuffle_ps(s01, s23, _MM_SHUFFLE(3, 2, 3, 2));
  const __m256 s = _mm256_add_ps(low, high);
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
  if (accumulate != 0) {
    sum = _mm_add_ps(sum, _mm_loadu_ps(to));
  }
  _mm_storeu_ps(to, sum);
}

// Dequantising leaves the even k of a step in one vector and the odd ones in the next.
inline int k_of_lane(int lane) {
  return lane % 16 * 2 + lane / 16;
}

// ---- dequantise -----------------------------------------------------------------------------------------------------

void dequantise(DequantRun& run, int64_t end) {
  for (; run.next < end; ++run.next) {
    const int64_t step = run.next / 8;
    const int64_t quarter = run.next % 8;
    const uint8_t* packed = run.packed + step * 576;
    prefetch_packed(run, step, quarter);
    __m512i words[4];
    quarter_words(packed, quarter, words);
    uint8_t* out = run.buffer + (quarter * run.steps + step) * 512;
    const __m512i high_half = _mm512_set1_epi32(static_cast<int>(0xFFFF0000U));
#pragma GCC unroll 4
    for (int row = 0; row < 4; ++row) {
      _mm512_store_si512(out + 64 * row, _mm512_slli_epi32(words[row], 16));
      _mm512_store_si512(out + 256 + 64 * row, _mm512_and_si512(words[row], high_half));
    }
  }
}

#include "cpu/lane_dot.inl.hpp"

// ---- few tokens -----------------------------------------------------------------------------------------------------

constexpr int kSums = 24;
constexpr int kDirectTokens = 12;
constexpr int kUnitRows = 4;
typedef __m512i Unit;

inline Unit load_unit(const uint8_t* codes, int unit) {
  return _mm512_loadu_si512(codes + 64 * unit);
}
inline void expand_row(Unit codes, const uint8_t* scales, int row, Vec* values) {
  const __m512i words = row_words(codes, scales, row);
  values[0] = _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
  values[1] = _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

#include "cpu/dot_packed.inl.hpp"

// ---- finish ---------------------------------------------------------------------------------------------------------

inline const float* token_rows(const float* acc, int64_t first_token, float* scratch) {
  (void)scratch;
  return acc + 32 * first_token;
}

#include "cpu/finish.inl.hpp"

// ---- peak -----------------------------------------------------------------------------------------------------------

double spin_multiply_add(int64_t iterations) {
  constexpr int kChains = 12;
  Vec sums[kChains];
  for (int c = 0; c < kChains; ++c) {
    sums[c] = _mm512_set1_ps(1.0f + static_cast<float>(c));
  }
  const Vec factor = _mm512_set1_ps(0.999f);
  const Vec addend = _mm512_set1_ps(0.001f);
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

const IsaKernels kAvx512Kernels = {
    .name = "avx512",
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
