// The AMX-BF16 kernel: 2 x 2 tiles, weight rows as the left operand, tokens as columns.
//
//   buffer  [steps][2 halves][16 rows][32 k] bf16             a tile of weights is 16 rows of 64 bytes
//   tokens  [tile of 16][steps][terms][16 k pairs][16][2]     bf16; fp16 activations are two exact terms, high + low
//   acc     [tile of 16 tokens][2 halves][16 rows][16 tokens] fp32
#include <immintrin.h>

#include "cpu/kernel_table.hpp"

namespace thresher::cpu {
namespace {

#include "cpu/activation.inl.hpp"
#include "cpu/words512.inl.hpp"

constexpr int64_t kTileBytes = 1024;

// ---- tiles ----------------------------------------------------------------------------------------------------------

void enter() {
  struct alignas(64) TileConfig {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t bytes_per_row[16] = {};
    uint8_t rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; ++tile) {
    config.bytes_per_row[tile] = 64;
    config.rows[tile] = 16;
  }
  // NOTE: GCC 12 says that the instruction reads 8 bytes only, and drops the stores to the rest without this.
  asm volatile("" : "+m"(config));
  _tile_loadconfig(&config);
}

void leave() {
  _tile_release();
}

// ---- dequantise -----------------------------------------------------------------------------------------------------

inline void dequantise_one(DequantRun& run) {
  const int64_t step = run.next / 8;
  const int64_t quarter = run.next % 8;
  const uint8_t* packed = run.packed + step * 576;
  prefetch_packed(run, packed, quarter);
  __m512i words[4];
  quarter_words(packed, quarter, words);
  uint8_t* out = run.buffer + run.next * 256;
#pragma GCC unroll 4
  for (int row = 0; row < 4; ++row) {
    _mm512_store_si512(out + 64 * row, words[row]);
  }
  ++run.next;
}

void dequantise(DequantRun& run, int64_t end) {
  while (run.next < end) {
    dequantise_one(run);
  }
}

// ---- multiply -------------------------------------------------------------------------------------------------------

// A panel times one or two tiles of tokens. Dequantises `ahead_per_step` quarters of the next panel between the tile
// products of each step, where the vector units would be idle.
template <int kTiles, int kTerms>
inline void multiply_tiles(const MultiplyArgs& args, const uint8_t* tokens, float* acc, int64_t ahead_per_step) {
  constexpr int kAccBytes = 64;
  if (args.accumulate != 0) {
    _tile_loadd(0, acc, kAccBytes);
    _tile_loadd(1, acc + 256, kAccBytes);
    if constexpr (kTiles == 2) {
      _tile_loadd(2, acc + 512, kAccBytes);
      _tile_loadd(3, acc + 768, kAccBytes);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (kTiles == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  const int64_t ahead_end = args.ahead != nullptr ? quarters_of(*args.ahead) : 0;
  for (int64_t step = 0; step < args.steps; ++step) {
    const uint8_t* weights = args.buffer + step * 2 * kTileBytes;
    _tile_loadd(4, weights, 64);
    _tile_loadd(5, weights + kTileBytes, 64);
#pragma GCC unroll 2
    for (int term = 0; term < kTerms; ++term) {
      const uint8_t* column = tokens + (step * kTerms + term) * kTileBytes;
      _tile_loadd(6, column, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 5, 6);
      if constexpr (kTiles == 2) {
        _tile_loadd(7, column + args.tile_stride, 64);
        _tile_dpbf16ps(2, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
      }
    }
    if (args.ahead != nullptr) {
      const int64_t end = args.ahead->next + ahead_per_step;
      dequantise(*args.ahead, end < ahead_end ? end : ahead_end);
    }
  }
  _tile_stored(0, acc, kAccBytes);
  _tile_stored(1, acc + 256, kAccBytes);
  if constexpr (kTiles == 2) {
    _tile_stored(2, acc + 512, kAccBytes);
    _tile_stored(3, acc + 768, kAccBytes);
  }
}

template <int kTerms>
void multiply_terms(const MultiplyArgs& args) {
  const int64_t tiles = (args.token_count + 15) / 16;
  const int64_t passes = (tiles + 1) / 2;
  int64_t ahead_per_step = 0;
  if (args.ahead != nullptr) {
    ahead_per_step = (quarters_of(*args.ahead) + passes * args.steps - 1) / (passes * args.steps);
  }
  int64_t tile = 0;
  for (; tile + 2 <= tiles; tile += 2) {
    multiply_tiles<2, kTerms>(args, args.tokens + tile * args.tile_stride, args.acc + tile * 512, ahead_per_step);
  }
  if (tile < tiles) {
    multiply_tiles<1, kTerms>(args, args.tokens + tile * args.tile_stride, args.acc + tile * 512, ahead_per_step);
  }
}

void multiply(const MultiplyArgs& args) {
  if (args.split != 0) {
    multiply_terms<2>(args);
  } else {
    multiply_terms<1>(args);
  }
}

// ---- transposition --------------------------------------------------------------------------------------------------

// Transposes 16 x 16 dwords in registers.
inline void transpose(__m512i r[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xDD);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xDD);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xDD);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xDD);
  }
}

// ---- tokens ---------------------------------------------------------------------------------------------------------

// 32 k of a row of codes as bf16, natural order. `blocks` scales (1 or 2) exist.
inline __m512i nvfp4_words(const uint8_t* codes, const uint8_t* scales, int64_t blocks) {
  const __m128i bytes = blocks == 2 ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes))
                                    : _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
  const __m512i wide = _mm512_cvtepu8_epi32(bytes);
  const __m512i low_nibble = _mm512_set1_epi16(0x000F);
  const __m512i upper_table = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(0x0010), 1);
  const __m512i pairs = _mm512_or_si512(wide, _mm512_slli_epi32(wide, 12));
  const __m512i index = _mm512_ternarylogic_epi32(pairs, low_nibble, upper_table, 0xEA);
  const __m256i first = _mm256_load_si256(reinterpret_cast<const __m256i*>(kDequantTables.words[scales[0]]));
  const __m256i second = blocks == 2
                             ? _mm256_load_si256(reinterpret_cast<const __m256i*>(kDequantTables.words[scales[1]]))
                             : _mm256_setzero_si256();
  return _mm512_permutexvar_epi16(index, _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1));
}

// fp16 x = high + low with both terms bf16: 11 significant bits are 8 and the rest, so the split is exact.
inline void split_fp16(__m512i halves, __m512i* high, __m512i* low) {
  __m512i terms[2][2];
  for (int part = 0; part < 2; ++part) {
    const __m512 x = _mm512_cvtph_ps(part == 0 ? _mm512_castsi512_si256(halves) : _mm512_extracti64x4_epi64(halves, 1));
    // Truncation keeps the first 8 significant bits; infinities and NaN have no rest.
    const __m512i top = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)));
    const __mmask16 finite = _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(__builtin_inff()), _CMP_LT_OQ);
    const __m512 rest = _mm512_maskz_sub_ps(finite, x, _mm512_castsi512_ps(top));
    terms[0][part] = _mm512_srli_epi32(top, 16);
    terms[1][part] = _mm512_srli_epi32(_mm512_castps_si512(rest), 16);
  }
  for (int term = 0; term < 2; ++term) {
    const __m512i packed = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(terms[term][0])),
                                              _mm512_cvtepi32_epi16(terms[term][1]), 1);
    *(term == 0 ? high : low) = packed;
  }
}

// One step of one token as `terms` rows of 32 bf16.
inline void token_words(const TokenSource& source, int64_t row, int64_t step, __m512i words[2]) {
  const int64_t first = 32 * step;
  const int64_t blocks = source.k - first >= 32 ? 2 : 1;
  if (source.kind == 0) {
    words[0] = nvfp4_words(static_cast<const uint8_t*>(source.data) + (row * source.k + first) / 2,
                           source.scales + (row * source.k + first) / 16, blocks);
    return;
  }
  const uint16_t* elements = static_cast<const uint16_t*>(source.data) + row * source.k + first;
  const __mmask32 present = blocks == 2 ? 0xFFFFFFFFU : 0x0000FFFFU;
  const __m512i values = _mm512_maskz_loadu_epi16(present, elements);
  if (source.kind == 1) {
    split_fp16(values, &words[0], &words[1]);
  } else {
    words[0] = values;
  }
}

void pack_tokens(const TokenSource& source, int64_t first, int64_t count, int64_t steps, uint8_t* tile,
                 int64_t vector_stride) {
  (void)vector_stride;  // tiles are never interleaved
  const int terms = source.kind == 1 ? 2 : 1;
  for (int64_t step = 0; step < steps; ++step) {
    __m512i rows[2][16];
    for (int64_t t = 0; t < 16; ++t) {
      __m512i words[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
      if (t < count) {
        token_words(source, first + t, step, words);
      }
      rows[0][t] = words[0];
      rows[1][t] = words[1];
    }
    for (int term = 0; term < terms; ++term) {
      transpose(rows[term]);
      uint8_t* out = tile + (step * terms + term) * kTileBytes;
      for (int pair = 0; pair < 16; ++pair) {
        _mm512_store_si512(out + 64 * pair, rows[term][pair]);
      }
    }
  }
}

// ---- finish ---------------------------------------------------------------------------------------------------------

// Accumulators have tokens along a row; C has columns along a row.
inline const float* token_rows(const float* acc, int64_t first_token, float* scratch) {
  const float* tile = acc + 32 * first_token;
  for (int half = 0; half < 2; ++half) {
    __m512i rows[16];
    for (int r = 0; r < 16; ++r) {
      rows[r] = _mm512_load_si512(tile + 256 * half + 16 * r);
    }
    transpose(rows);
    for (int t = 0; t < 16; ++t) {
      _mm512_store_si512(scratch + 32 * t + 16 * half, rows[t]);
    }
  }
  return scratch;
}

#include "cpu/finish.inl.hpp"

// ---- peak -----------------------------------------------------------------------------------------------------------

double spin_multiply_add(int64_t iterations) {
  for (int64_t i = 0; i < iterations; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
    _tile_dpbf16ps(2, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
  return static_cast<double>(iterations) * 4 * 16 * 16 * 32 * 2;
}

}  // namespace

const IsaKernels kAmxKernels = {
    .name = "amx",
    .token_tile = 16,
    .token_step_bytes = kTileBytes,
    .token_tile_pad = 0,
    .token_split = 2,
    .buffer_step_bytes = 2 * kTileBytes,
    .enter = enter,
    .leave = leave,
    .pack_tokens = pack_tokens,
    .vector_bytes = 0,
    .dequantise = dequantise,
    .multiply = multiply,
    .dot_packed = nullptr,
    .direct_tokens = 0,
    .finish = finish,
    .spin_multiply_add = spin_multiply_add,
};

}  // namespace thresher::cpu
