// The kernel for any processor: plain C++ over small vectors that every compiler target has.
#include "cpu/kernel_table.hpp"

namespace thresher::cpu {
namespace {

#include "cpu/activation.inl.hpp"

// ---- vectors --------------------------------------------------------------------------------------------------------

constexpr int kLanes = 4;
constexpr int kMaxTokens = 2;
typedef float Vec __attribute__((vector_size(16)));

inline Vec zero() {
  return Vec{0, 0, 0, 0};
}
inline Vec load(const float* from) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return a * b + c;
}

inline void add_sums_of_rows(const Vec rows[4], float* to, int accumulate) {
  for (int r = 0; r < 4; ++r) {
    const float sum = (rows[r][0] + rows[r][2]) + (rows[r][1] + rows[r][3]);
    to[r] = accumulate != 0 ? to[r] + sum : sum;
  }
}

inline int k_of_lane(int lane) {
  return lane;
}

// ---- dequantise -----------------------------------------------------------------------------------------------------

inline float bf16_to_float(uint16_t bits) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16U);
}

void dequantise_quarter(const uint8_t* step, int quarter, float* out) {
  const uint8_t* codes = step + 64 * quarter;
  const uint8_t* scales = step + 512 + 8 * quarter;
  for (int row = 0; row < 4; ++row) {
    for (int k = 0; k < 32; ++k) {
      const unsigned word = codes[2 * k] | static_cast<unsigned>(codes[2 * k + 1]) << 8U;
      const unsigned code = (word >> (4 * row)) & 15U;
      out[(k / kLanes * 4 + row) * kLanes + k % kLanes] =
          bf16_to_float(kDequantTables.words[scales[2 * row + k / 16]][code]);
    }
  }
}

void dequantise(DequantRun& run, int64_t end) {
  for (; run.next < end; ++run.next) {
    const int64_t step = run.next / 8;
    const int quarter = static_cast<int>(run.next % 8);
    const uint8_t* packed = run.packed + step * 576;
    prefetch_packed(run, step, quarter);
    dequantise_quarter(packed, quarter, reinterpret_cast<float*>(run.buffer + (quarter * run.steps + step) * 512));
  }
}

#include "cpu/lane_dot.inl.hpp"

// ---- finish ---------------------------------------------------------------------------------------------------------

inline const float* token_rows(const float* acc, int64_t first_token, float* scratch) {
  (void)scratch;
  return acc + 32 * first_token;
}

inline uint16_t fp16_bits(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t sign = (bits >> 16U) & 0x8000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {
    return static_cast<uint16_t>(sign | 0x7E00U);
  }
  if (magnitude >= 0x477FF000U) {  // 65520 and above round to infinity
    return static_cast<uint16_t>(sign | 0x7C00U);
  }
  if (magnitude < 0x38800000U) {  // below 2^-14: an integer count of 2^-24, rounded by the addition
    const float shifted = __builtin_bit_cast(float, magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (__builtin_bit_cast(uint32_t, shifted) - 0x3F000000U));
  }
  const uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13U) & 1U);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000U) >> 13U));
}

inline uint16_t bf16_bits(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
    return static_cast<uint16_t>((bits >> 16U) | 0x40U);
  }
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

inline void narrow_row(const float* values, int output, uint16_t* out) {
  for (int i = 0; i < 32; ++i) {
    out[i] = output == 0 ? fp16_bits(values[i]) : bf16_bits(values[i]);
  }
}

// No portable instruction goes past the cache, so why_invalid() refuses streaming here.
inline void copy_line(uint8_t* to, const uint8_t* from) {
  __builtin_memcpy(to, from, 64);
}

#include "cpu/finish.inl.hpp"

// ---- peak -----------------------------------------------------------------------------------------------------------

double spin_multiply_add(int64_t iterations) {
  constexpr int kChains = 10;
  Vec sums[kChains];
  for (int c = 0; c < kChains; ++c) {
    sums[c] = Vec{1, 2, 3, 4};
  }
  Vec factor = Vec{1, 1, 1, 1} * 0.999f;
  const Vec addend = Vec{1, 1, 1, 1} * 0.001f;
  for (int64_t i = 0; i < iterations; ++i) {
#pragma GCC unroll 10
    for (int c = 0; c < kChains; ++c) {
      sums[c] = multiply_add(sums[c], factor, addend);
    }
    asm volatile("" : "+x"(factor));
  }
  for (int c = 0; c < kChains; ++c) {
    asm volatile("" : : "m"(sums[c]));
  }
  return static_cast<double>(iterations) * kChains * kLanes * 2;
}

}  // namespace

const IsaKernels kPortableKernels = {
    .name = "portable",
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
    .dot_packed = nullptr,
    .direct_tokens = 0,
    .finish = finish,
    .spin_multiply_add = spin_multiply_add,
};

}  // namespace thresher::cpu
