// 64-byte vectors and what AVX-512 does with them, in plain C++.
#pragma once

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
  for (int i = 0; i < 16; ++i)
    v.lane[i] = f(i);
  return v;
}
template <typename F>
Floats each_float(F f) {
  Floats v;
  for (int i = 0; i < 16; ++i)
    v.lane[i] = f(i);
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
  for (int w = 0; w < 32; ++w)
    out.lane[w] = t.lane[i.lane[w] & 31U];
  return bits_as<Integers>(out);
}

inline __m256i narrow(const Integers& v) {
  std::uint16_t words[16];
  for (int i = 0; i < 16; ++i)
    words[i] = static_cast<std::uint16_t>(v.lane[i]);
  return bits_as<__m256i>(words);
}
inline Halves halves(const Integers& v) {
  return bits_as<Halves>(v);
}
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
  return _mm256_set_m128i(_mm256_cvtps_ph(_mm256_castsi256_ps(h.half[1]), 0),
                          _mm256_cvtps_ph(_mm256_castsi256_ps(h.half[0]), 0));
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
  for (std::uint16_t& word : w.lane)
    word = static_cast<std::uint16_t>(word >> n);
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

}  // namespace emulation
