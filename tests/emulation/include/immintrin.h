// The AVX-512 and AMX intrinsics of our kernels in plain C++, so that any x86 machine with AVX2 can check their logic
// (and sanitizers can see into them). Values and flags follow Intel's intrinsics guide; speed is no aim. Aligned accesses
// and tile use before a configuration abort, as they would fault.
#pragma once

#include_next <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace emulation {

[[noreturn]] inline void fault(const char* what) {
  std::fprintf(stderr, "emulated instruction faults: %s\n", what);
  std::abort();
}

template <typename Lane, int kCount>
struct Vector {
  Lane lane[kCount];
};
static_assert(sizeof(Vector<float, 16>) == 64);

struct Integers : Vector<std::uint32_t, 16> {};
struct Floats : Vector<float, 16> {};

template <typename To, typename From>
To bits_as(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
using Words = Vector<std::uint16_t, 32>;
using Quads = Vector<std::uint64_t, 8>;
struct Halves {
  __m256i half[2];
};

inline void check_aligned(const void* address) {
  if (reinterpret_cast<std::uintptr_t>(address) % 64 != 0) fault("a 64-byte access that is not aligned");
}

template <typename V>
V load(const void* from) {
  V v;
  std::memcpy(&v, from, 64);
  return v;
}
template <typename V>
void store(void* to, const V& v) {
  std::memcpy(to, &v, 64);
}

template <typename F>
Integers each(F f) {
  Integers v;
  for (int i = 0; i < 16; ++i) v.lane[i] = f(i);
  return v;
}
template <typename F>
Floats each_float(F f) {
  Floats v;
  for (int i = 0; i < 16; ++i) v.lane[i] = f(i);
  return v;
}

// Interleaves the low (part 0) or high (part 1) half of each 128-bit lane.
inline Integers unpack32(const Integers& a, const Integers& b, int part) {
  return each([&](int i) { return (i % 2 == 0 ? a : b).lane[i / 4 * 4 + part * 2 + i % 4 / 2]; });
}
inline Integers unpack64(const Integers& a, const Integers& b, int part) {
  return each([&](int i) { return (i % 4 < 2 ? a : b).lane[i / 4 * 4 + part * 2 + i % 2]; });
}
inline Integers shuffle128(const Integers& a, const Integers& b, int control) {
  return each([&](int i) { return (i < 8 ? a : b).lane[(control >> (i / 4 * 2) & 3) * 4 + i % 4]; });
}

inline Integers ternary(const Integers& a, const Integers& b, const Integers& c, int table) {
  return each([&](int i) {
    std::uint32_t out = 0;
    for (int bit = 0; bit < 32; ++bit) {
      const unsigned index = (a.lane[i] >> bit & 1U) << 2U | (b.lane[i] >> bit & 1U) << 1U | (c.lane[i] >> bit & 1U);
      out |= (static_cast<unsigned>(table) >> index & 1U) << bit;
    }
    return out;
  });
}

inline Integers permute_words(const Integers& index, const Integers& table) {
  const auto i = bits_as<Words>(index);
  const auto t = bits_as<Words>(table);
  Words out;
  for (int w = 0; w < 32; ++w) out.lane[w] = t.lane[i.lane[w] & 31U];
  return bits_as<Integers>(out);
}

inline __m256i narrow(const Integers& v) {
  std::uint16_t words[16];
  for (int i = 0; i < 16; ++i) words[i] = static_cast<std::uint16_t>(v.lane[i]);
  return bits_as<__m256i>(words);
}
inline Halves halves(const Integers& v) { return bits_as<Halves>(v); }
inline Integers with_half(const Integers& v, __m256i half, int which) {
  Halves h = halves(v);
  h.half[which] = half;
  return bits_as<Integers>(h);
}
inline Integers from_low(__m256i low) {
  // The upper half is undefined in hardware: fill it with what would be noticed.
  return with_half(each([](int) { return 0xDEADBEEFU; }), low, 0);
}
inline Floats from_fp16(__m256i v) {
  const Halves h{{bits_as<__m256i>(_mm256_cvtph_ps(_mm256_castsi256_si128(v))),
                  bits_as<__m256i>(_mm256_cvtph_ps(_mm256_extracti128_si256(v, 1)))}};
  return bits_as<Floats>(h);
}
inline __m256i to_fp16(const Floats& v) {
  const auto h = halves(bits_as<Integers>(v));
  return _mm256_set_m128i(_mm256_cvtps_ph(_mm256_castsi256_ps(h.half[1]), 0), _mm256_cvtps_ph(_mm256_castsi256_ps(h.half[0]), 0));
}

inline Integers widen(__m128i bytes) {
  std::uint8_t b[16];
  std::memcpy(b, &bytes, 16);
  return each([&](int i) { return std::uint32_t{b[i]}; });
}
inline Integers add(const Integers& a, const Integers& b) {
  return each([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Integers shift_left(const Integers& v, unsigned n) {
  return each([&](int i) { return v.lane[i] << n; });
}
inline Integers shift_right(const Integers& v, unsigned n) {
  return each([&](int i) { return v.lane[i] >> n; });
}
inline Integers shift_right_words(const Integers& v, unsigned n) {
  auto w = bits_as<Words>(v);
  for (std::uint16_t& word : w.lane) word = static_cast<std::uint16_t>(word >> n);
  return bits_as<Integers>(w);
}
inline Floats absolute(const Floats& v) {
  return each_float([&](int i) { return std::fabs(v.lane[i]); });
}
inline Floats fused(const Floats& a, const Floats& b, const Floats& c) {
  return each_float([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
inline std::uint16_t compare(const Floats& a, const Floats& b, int op) {
  unsigned mask = 0;
  for (int i = 0; i < 16; ++i) {
    const bool unordered = std::isnan(a.lane[i]) || std::isnan(b.lane[i]);
    if (op != _CMP_UNORD_Q && op != _CMP_LT_OQ) fault("a comparison that is not emulated");
    const bool holds = op == _CMP_UNORD_Q ? unordered : a.lane[i] < b.lane[i];
    mask |= (holds ? 1U : 0U) << i;
  }
  return static_cast<std::uint16_t>(mask);
}
inline Integers masked(const Integers& from, std::uint16_t mask, const Integers& v) {
  return each([&](int i) { return (mask >> i & 1) != 0 ? v.lane[i] : from.lane[i]; });
}
inline Floats subtract(std::uint16_t mask, const Floats& a, const Floats& b) {
  return each_float([&](int i) { return (mask >> i & 1) != 0 ? a.lane[i] - b.lane[i] : 0.0f; });
}
// Lanes that the mask leaves out are not read.
inline Integers load_words(std::uint32_t mask, const void* from) {
  Words w{};
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) != 0) std::memcpy(&w.lane[i], static_cast<const std::uint8_t*>(from) + 2 * i, 2);
  }
  return bits_as<Integers>(w);
}

// ---- tiles ----------------------------------------------------------------------------------------------------------

struct Tiles {
  bool configured = false;
  std::uint16_t row_bytes[8] = {};
  std::uint8_t rows[8] = {};
  std::uint8_t data[8][16][64] = {};
};
inline Tiles& all_tiles() {
  static thread_local Tiles state;
  return state;
}
inline Tiles& tiles() {
  if (!all_tiles().configured) fault("a tile is used before its configuration");
  return all_tiles();
}
inline void configure_tiles(const void* config) {
  const auto* bytes = static_cast<const std::uint8_t*>(config);
  if (bytes[0] != 1) fault("the palette is not 1");
  Tiles& state = all_tiles();
  state = Tiles{};
  state.configured = true;
  for (int tile = 0; tile < 8; ++tile) {
    std::memcpy(&state.row_bytes[tile], bytes + 16 + 2 * tile, 2);
    state.rows[tile] = bytes[48 + tile];
    if (state.row_bytes[tile] > 64 || state.rows[tile] > 16) fault("a tile is larger than 16 rows of 64 bytes");
  }
}
inline void zero_tile(int tile) { std::memset(tiles().data[tile], 0, sizeof tiles().data[tile]); }
inline void load_tile(int tile, const void* base, std::int64_t stride) {
  Tiles& state = tiles();
  zero_tile(tile);
  for (int row = 0; row < state.rows[tile]; ++row) {
    std::memcpy(state.data[tile][row], static_cast<const std::uint8_t*>(base) + row * stride, state.row_bytes[tile]);
  }
}
inline void store_tile(int tile, void* base, std::int64_t stride) {
  Tiles& state = tiles();
  for (int row = 0; row < state.rows[tile]; ++row) {
    std::memcpy(static_cast<std::uint8_t*>(base) + row * stride, state.data[tile][row], state.row_bytes[tile]);
  }
}
inline float flushed(float v) { return std::fabs(v) < 0x1p-126f ? std::copysign(0.0f, v) : v; }
inline float bf16(std::uint16_t bits) { return flushed(bits_as<float>(static_cast<std::uint32_t>(bits) << 16U)); }

// TDPBF16PS: even and odd products added one after the other, rounded to nearest, subnormals flushed.
inline void multiply_tiles(int c, int a, int b) {
  Tiles& state = tiles();
  for (int m = 0; m < state.rows[c]; ++m) {
    float sum[16];
    std::uint16_t left[32];
    std::memcpy(sum, state.data[c][m], 64);
    std::memcpy(left, state.data[a][m], 64);
    for (int k = 0; k < state.row_bytes[a] / 4; ++k) {
      std::uint16_t right[32];
      std::memcpy(right, state.data[b][k], 64);
      for (int n = 0; n < state.row_bytes[c] / 4; ++n) {
        sum[n] = flushed(sum[n] + bf16(left[2 * k]) * bf16(right[2 * n]));
        sum[n] = flushed(sum[n] + bf16(left[2 * k + 1]) * bf16(right[2 * n + 1]));
      }
    }
    std::memcpy(state.data[c][m], sum, 64);
  }
}

}  // namespace emulation

// ---- the names that kernels use -------------------------------------------------------------------------------------

#define __m512i emulation::Integers
#define __m512 emulation::Floats
#define _mm512_loadu_si512(p) emulation::load<emulation::Integers>(p)
#define _mm512_load_si512(p) (emulation::check_aligned(p), emulation::load<emulation::Integers>(p))
#define _mm512_loadu_ps(p) emulation::load<emulation::Floats>(p)
#define _mm512_store_si512(p, v) (emulation::check_aligned(p), emulation::store(p, v))
#define _mm512_stream_si512(p, v) (emulation::check_aligned(p), emulation::store(p, v))
#define _mm512_setzero_si512() emulation::Integers{}
#define _mm512_setzero_ps() emulation::Floats{}
#define _mm512_set1_epi32(x) emulation::each([&](int) { return static_cast<std::uint32_t>(x); })
#define _mm512_set1_epi16(x) emulation::each([&](int) { return static_cast<std::uint16_t>(x) * 0x10001U; })
#define _mm512_set1_ps(x) emulation::each_float([&](int) { return x; })
#define _mm512_castps_si512(v) emulation::bits_as<emulation::Integers>(v)
#define _mm512_castsi512_ps(v) emulation::bits_as<emulation::Floats>(v)
#define _mm512_castsi256_si512(v) emulation::from_low(v)
#define _mm512_castsi512_si256(v) emulation::halves(v).half[0]
#define _mm512_castps512_ps256(v) _mm256_castsi256_ps(emulation::halves(emulation::bits_as<emulation::Integers>(v)).half[0])
#define _mm512_extractf32x8_ps(v, h) \
  _mm256_castsi256_ps(emulation::halves(emulation::bits_as<emulation::Integers>(v)).half[h])
#define _mm512_extracti64x4_epi64(v, h) emulation::halves(v).half[h]
#define _mm512_inserti64x4(v, half, h) emulation::with_half(v, half, h)
#define _mm512_and_si512(a, b) emulation::ternary(a, a, b, 0x88)
#define _mm512_or_si512(a, b) emulation::ternary(a, a, b, 0xEE)
#define _mm512_add_epi32(a, b) emulation::add(a, b)
#define _mm512_slli_epi32(v, n) emulation::shift_left(v, n)
#define _mm512_srli_epi32(v, n) emulation::shift_right(v, n)
#define _mm512_srli_epi16(v, n) emulation::shift_right_words(v, n)
#define _mm512_ternarylogic_epi32(a, b, c, t) emulation::ternary(a, b, c, t)
#define _mm512_permutexvar_epi16(i, t) emulation::permute_words(i, t)
#define _mm512_unpacklo_epi32(a, b) emulation::unpack32(a, b, 0)
#define _mm512_unpackhi_epi32(a, b) emulation::unpack32(a, b, 1)
#define _mm512_unpacklo_epi64(a, b) emulation::unpack64(a, b, 0)
#define _mm512_unpackhi_epi64(a, b) emulation::unpack64(a, b, 1)
#define _mm512_shuffle_i32x4(a, b, c) emulation::shuffle128(a, b, c)
#define _mm512_cvtepi32_epi16(v) emulation::narrow(v)
#define _mm512_cvtepu8_epi32(b) emulation::widen(b)
#define _mm512_cvtph_ps(h) emulation::from_fp16(h)
#define _mm512_cvtps_ph(v, r) emulation::to_fp16(v)
#define _mm512_abs_ps(v) emulation::absolute(v)
#define _mm512_fmadd_ps(a, b, c) emulation::fused(a, b, c)
#define _mm512_cmp_ps_mask(a, b, op) emulation::compare(a, b, op)
#define _mm512_mask_mov_epi32(from, mask, v) emulation::masked(from, mask, v)
#define _mm512_maskz_sub_ps(mask, a, b) emulation::subtract(mask, a, b)
#define _mm512_maskz_loadu_epi16(mask, p) emulation::load_words(mask, p)
#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig(p) emulation::configure_tiles(p)
#define _tile_release() (emulation::all_tiles().configured = false)
#define _tile_zero(t) emulation::zero_tile(t)
#define _tile_loadd(t, p, s) emulation::load_tile(t, p, s)
#define _tile_stored(t, p, s) emulation::store_tile(t, p, s)
#define _tile_dpbf16ps(c, a, b) emulation::multiply_tiles(c, a, b)
