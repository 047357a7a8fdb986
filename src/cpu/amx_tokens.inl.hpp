// Packing activations into AMX tiles: bf16 terms of 16 tokens, transposed to pairs of k. Included inside the anonymous
// namespace of amx.cpp.

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
  // Another core wrote or read these lines in the last call; asked for ahead of time, several of them come at once.
  constexpr int64_t kAheadBytes = 4 * kTileBytes;
  for (int64_t step = 0; step < steps; ++step) {
    for (int64_t line = 0; line < terms * kTileBytes; line += 64) {
      __builtin_prefetch(tile + step * terms * kTileBytes + kAheadBytes + line, 1);
    }
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
