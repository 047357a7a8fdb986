// Tokens as the products read them: fp16 or bf16, groups at multiples of 8 rows, lines swizzled, k padded with zeros.
#pragma once

namespace thresher::sm90 {

// Eight codes times their scale to eight fp16, exactly.
__device__ __forceinline__ uint4 tokens_to_fp16(u32 codes, u32 scale) {
  const u32 pair = both_low(scales_to_fp16(scale));
  // value = e2m1 * scale: the code's bits as fp16 are e2m1 * 2^-14; the scale comes first, so nothing is lost to
  // subnormals.
  const u32 lifted = multiply_fp16(pair, 0x58005800u);  // * 2^7
  u32 words[4];
  for (int i = 0; i < 4; ++i) {
    const u32 byte = codes >> (8 * i);
    const u32 two = (byte & 0xFu) | ((byte & 0xF0u) << 12);
    const u32 bits = ((two & 0x00070007u) << 9) | ((two & 0x00080008u) << 12);
    words[i] = multiply_fp16(multiply_fp16(bits, lifted), 0x58005800u);
  }
  return make_uint4(words[0], words[1], words[2], words[3]);
}

// One warp a unit of 8 rows and 4 blocks of k; blockIdx.x: units, blockIdx.y: blocks of k.
template <Config kConfig, bool kCodes>
__device__ void prepare_tokens(const Call& call) {
  let_next_kernel_start();
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  if (blockIdx.x == 0 && blockIdx.y == 0) {
    for (int i = threadIdx.x; i < call.shares * kConfig.consumers; i += blockDim.x)
      call.flags[i] = kPending;
  }
  // Which group has this unit: groups take ceil(m / 8) units each.
  const int unit = blockIdx.x;
  int group = -1, unit_of_group = 0, seen = 0;
  for (int base = 0; base < call.groups && group < 0; base += 32) {
    const int g = base + lane;
    const int m = g < call.groups ? call.offsets[g + 1] - call.offsets[g] : 0;
    const int units = (m + 7) / 8;
    int sum = units;
    for (int step = 1; step < 32; step *= 2) {
      const int other = __shfl_up_sync(~0u, sum, step);
      if (lane >= step) sum += other;
    }
    const int before_it = seen + sum - units;
    const u32 hit = __ballot_sync(~0u, unit >= before_it && unit < before_it + units);
    if (hit != 0) {
      const int owner = __ffs(hit) - 1;
      group = base + owner;
      unit_of_group = unit - __shfl_sync(~0u, before_it, owner);
    }
    seen += __shfl_sync(~0u, sum, 31);
  }
  if (group < 0) return;
  const int first = call.offsets[group], tokens = call.offsets[group + 1] - first;
  const int k = call.k;
  for (int block = static_cast<int>(blockIdx.y) * warps + warp; block < call.k_blocks;
       block += static_cast<int>(gridDim.y) * warps) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = lane / 8 + 4 * half, chunk = lane % 8;
      const int local = unit_of_group * 8 + row, at = block * kBlockK + chunk * 8;
      uint4 value = make_uint4(0, 0, 0, 0);
      if (local < tokens && at < k) {
        const long long source = first + local;
        if constexpr (kCodes) {
          const u32 codes = *reinterpret_cast<const u32*>(static_cast<const u8*>(call.tokens) + (source * k + at) / 2);
          value = tokens_to_fp16(codes, call.token_scales[(source * k + at) / 16]);
        } else {
          value = *reinterpret_cast<const uint4*>(static_cast<const u16*>(call.tokens) + source * k + at);
        }
      }
      const long long line = static_cast<long long>(block) * call.prepared_rows + unit * 8 + row;
      *reinterpret_cast<uint4*>(call.prepared + line * kTokenBytes + ((chunk ^ row) * 16)) = value;
    }
  }
}

}  // namespace thresher::sm90
