// NVFP4 weights to fp16 or bf16 in registers, exactly: eight weights of one thread's fragment at a time.
#pragma once

namespace thresher::sm90 {

__device__ __forceinline__ u32 multiply_fp16(u32 x, u32 y) {
  u32 product;
  // NOTE: volatile keeps the product behind the wait that frees its register for writing.
  asm volatile("mul.rn.f16x2 %0, %1, %2;" : "=r"(product) : "r"(x), "r"(y));
  return product;
}

__device__ __forceinline__ u32 multiply_bf16(u32 x, u32 y) {
  u32 product;
  asm volatile("mul.rn.bf16x2 %0, %1, %2;" : "=r"(product) : "r"(x), "r"(y));
  return product;
}

// NOTE: written as moves of halves because the assembler then folds them into the multiplication that reads them.
__device__ __forceinline__ u32 both_low(u32 pair) {
  u32 both;
  asm("{.reg .b16 l, h; mov.b32 {l, h}, %1; mov.b32 %0, {l, l};}" : "=r"(both) : "r"(pair));
  return both;
}
__device__ __forceinline__ u32 both_high(u32 pair) {
  u32 both;
  asm("{.reg .b16 l, h; mov.b32 {l, h}, %1; mov.b32 %0, {h, h};}" : "=r"(both) : "r"(pair));
  return both;
}

// Two E4M3 scales to two fp16, exactly; NaN stays NaN.
__device__ __forceinline__ u32 scales_to_fp16(u32 scales) {
  u32 pair;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(pair) : "h"(static_cast<u16>(scales)));
  return pair;
}

// Two E4M3 scales times 2^119 to two bf16, exactly: a code is value * 2^-126 there, so the product is value * 2^-7.
__device__ __forceinline__ u32 scales_to_bf16(u32 scales) {
  const u32 pair = scales_to_fp16(scales);
  float low, high;
  asm("{.reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h;}"
      : "=f"(low), "=f"(high)
      : "r"(pair));
  u32 lifted;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(lifted) : "f"(high * 0x1p119f), "f"(low * 0x1p119f));
  return lifted;
}

// One word of codes holds the fragment of one product of 16: pair j is (rows r, r + 8; k 2t, 2t + 8) for j = 0, 1, 2,
// 3, its even k in the low half. In each half: pair 0 lies at bits 15 (sign) and 11:9, pair 1 at 7 and 3:1, pair 2 at 8
// and 14:12, pair 3 at 0 and 6:4. So one mask gives the upper bytes of pairs 0 and 1 as fp16, and two shifts those of 2
// and 3.
template <Half kHalf>
__device__ __forceinline__ void dequantise(u32 codes, u32 scales, u32 (&fragment)[4]) {
  const u32 first = codes & 0x8E8E8E8Eu;
  const u32 second = ((codes >> 3) & 0x0E0E0E0Eu) | ((codes << 7) & 0x80808080u);
  if constexpr (kHalf == Half::fp16) {
    const u32 pair = scales_to_fp16(scales);
    const u32 upper = both_low(pair), lower = both_high(pair);
    fragment[0] = multiply_fp16(first & 0xFF00FF00u, upper);
    fragment[1] = multiply_fp16(__byte_perm(first, 0, 0x2404), lower);
    fragment[2] = multiply_fp16(second & 0xFF00FF00u, upper);
    fragment[3] = multiply_fp16(__byte_perm(second, 0, 0x2404), lower);
  } else {
    // The same bits three places lower are the low bits of a bf16's exponent and the top of its fraction.
    const u32 pair = scales_to_bf16(scales);
    const u32 upper = both_low(pair), lower = both_high(pair);
    const u32 one = __byte_perm(first, 0, 0x2404), three = __byte_perm(second, 0, 0x2404);
    fragment[0] = multiply_bf16(((first >> 3) & 0x01C001C0u) | (first & 0x80008000u), upper);
    fragment[1] = multiply_bf16(((one >> 3) & 0x01C001C0u) | (one & 0x80008000u), lower);
    fragment[2] = multiply_bf16(((second >> 3) & 0x01C001C0u) | (second & 0x80008000u), upper);
    fragment[3] = multiply_bf16(((three >> 3) & 0x01C001C0u) | (three & 0x80008000u), lower);
  }
}

}  // namespace thresher::sm90
