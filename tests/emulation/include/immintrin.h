// The AVX-512 and AMX intrinsics of our kernels in plain C++, so that any x86 machine with AVX2 can check their logic
// (and sanitizers can see into them). Values and flags follow Intel's intrinsics guide; speed is no aim. Aligned
// accesses and tile use before a configuration abort, as they would fault.
#pragma once

#include_next <immintrin.h>

#include "emulated_tiles.hpp"
#include "emulated_vectors.hpp"

// ---- the names that kernels use -------------------------------------------------------------------------------------

#define __m512i emulation::Integers
#define __m512 emulation::Floats
#define _mm512_loadu_si512(p) emulation::load<emulation::Integers>(p)
#define _mm512_load_si512(p) (emulation::check_aligned(p), emulation::load<emulation::Integers>(p))
#define _mm512_loadu_ps(p) emulation::load<emulation::Floats>(p)
#define _mm512_store_si512(p, v) (emulation::check_aligned(p), emulation::store(p, v))
#define _mm512_stream_si512(p, v) (emulation::check_aligned(p), emulation::store(p, v))
#define _mm512_setzero_si512() \
  emulation::Integers {}
#define _mm512_setzero_ps() \
  emulation::Floats {}
#define _mm512_set1_epi32(x) emulation::each([&](int) { return static_cast<std::uint32_t>(x); })
#define _mm512_set1_epi16(x) emulation::each([&](int) { return static_cast<std::uint16_t>(x) * 0x10001U; })
#define _mm512_set1_ps(x) emulation::each_float([&](int) { return x; })
#define _mm512_castps_si512(v) emulation::bits_as<emulation::Integers>(v)
#define _mm512_castsi512_ps(v) emulation::bits_as<emulation::Floats>(v)
#define _mm512_castsi256_si512(v) emulation::from_low(v)
#define _mm512_castsi512_si256(v) emulation::halves(v).half[0]
#define _mm512_castps512_ps256(v) \
  _mm256_castsi256_ps(emulation::halves(emulation::bits_as<emulation::Integers>(v)).half[0])
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
