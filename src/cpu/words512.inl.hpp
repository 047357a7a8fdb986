// Dequantising a quarter of a step to bf16 with AVX-512BW: one permute per 32 weights. Included inside the anonymous
// namespaces of avx512.cpp and amx.cpp.

// Row `row` of a quarter in natural k order: the row's two scales pick a table each, the codes index them.
static inline __m512i row_words(__m512i codes, const uint8_t* scales, int row) {
  const __m512i low_nibble = _mm512_set1_epi16(0x000F);
  // Words 16..31 belong to the second scale, whose table is the upper half of the permute's 32 entries.
  const __m512i upper_table = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(0x0010), 1);
  const __m256i first = _mm256_load_si256(reinterpret_cast<const __m256i*>(kDequantTables.words[scales[2 * row]]));
  const __m256i second = _mm256_load_si256(reinterpret_cast<const __m256i*>(kDequantTables.words[scales[2 * row + 1]]));
  const __m512i table = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
  const __m512i shifted = _mm512_srli_epi16(codes, static_cast<unsigned>(4 * row));
  constexpr int kAndOr = 0xEA;  // (a & b) | c
  const __m512i index = _mm512_ternarylogic_epi32(shifted, low_nibble, upper_table, kAndOr);
  return _mm512_permutexvar_epi16(index, table);
}

static inline void quarter_words(const uint8_t* step, int64_t quarter, __m512i words[4]) {
  const __m512i codes = _mm512_loadu_si512(step + 64 * quarter);
#pragma GCC unroll 4
  for (int row = 0; row < 4; ++row) {
    words[row] = row_words(codes, step + 512 + 8 * quarter, row);
  }
}

// 32 values to fp16 or bf16, rounded to nearest even, NaN kept.
static inline void narrow_row(const float* values, int output, uint16_t* out) {
  for (int i = 0; i < 32; i += 16) {
    const __m512 v = _mm512_loadu_ps(values + i);
    __m256i narrow;
    if (output == 0) {
      narrow = _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    } else {
      const __m512i bits = _mm512_castps_si512(v);
      const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
      const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
      const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x00400000));
      const __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
      narrow = _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, is_nan, quiet), 16));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), narrow);
  }
}

static inline void copy_line(uint8_t* to, const uint8_t* from) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_load_si512(from));
}
