// From sums in registers to results in memory: scales, bias, activation, rounding, requantising.
#pragma once

namespace thresher::sm90 {

__device__ __forceinline__ float sigmoid(float x) {
  return __fdividef(1.0f, 1.0f + __expf(-x));
}

// NOTE: clamps are comparisons: a comparison with NaN is false and keeps the NaN. exp(-x) may overflow to infinity,
// where
// __fdividef gives 0 for 1 / infinity but loses quotients beyond 2^126; those are 0 in every output type but fp32's
// subnormals.
template <Gate kGate>
__device__ __forceinline__ float activate(float gate, float up, const Call& call) {
  if constexpr (kGate == Gate::silu) {
    return gate * sigmoid(gate) * up;
  } else if constexpr (kGate == Gate::swiglu_oai) {
    const float g = gate > call.limit ? call.limit : gate;
    const float below = up > call.limit ? call.limit : up;
    const float u = below < -call.limit ? -call.limit : below;
    return (u + call.beta) * (g * sigmoid(call.alpha * g));
  } else if constexpr (kGate == Gate::gelu_tanh) {
    const float z = 1.5957691216057308f * (gate + 0.044715f * gate * gate * gate);
    return gate * sigmoid(z) * up;
  } else {
    const float positive = gate < 0.0f ? 0.0f : gate;
    return positive * positive * up;
  }
}

__device__ __forceinline__ u32 pack_fp16(float low, float high) {
  u32 pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
__device__ __forceinline__ u32 pack_bf16(float low, float high) {
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// E4M3, nearest even, saturating. `x` is not negative.
__device__ __forceinline__ u32 to_e4m3(float x) {
  u16 pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(0.0f), "f"(x));
  return pair & 0xFFu;
}
__device__ __forceinline__ float from_e4m3(u32 code) {
  u32 pair;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(pair) : "h"(static_cast<u16>(code)));
  float x;
  asm("{.reg .b16 l, h; mov.b32 {l, h}, %1; cvt.f32.f16 %0, l;}" : "=f"(x) : "r"(pair));
  return x;
}

// E2M1, nearest with ties to the even code, saturating at 6: code of |x|, then the sign.
__device__ __forceinline__ u32 to_e2m1(float x) {
  const float size = fabsf(x);
  const u32 code = (size > 0.25f) + (size >= 0.75f) + (size > 1.25f) + (size >= 1.75f) + (size > 2.5f) +
                   (size >= 3.5f) + (size > 5.0f);
  return code | (__float_as_uint(x) >> 31 << 3);
}

// Sixteen results of one token to eight bytes of codes and a scale, as the quantiser of the library does it.
__device__ __forceinline__ void quantise(const float* x, float global, u32 (&codes)[2], u32& scale) {
  float largest = 0.0f;
  bool nan = false;
  for (int i = 0; i < 16; ++i) {
    nan |= x[i] != x[i];
    largest = fmaxf(largest, fabsf(x[i]));
  }
  codes[0] = codes[1] = 0;
  if (nan) {
    scale = 0x7Fu;
    return;
  }
  scale = to_e4m3(__fdiv_rn(__fdiv_rn(largest, 6.0f), global));
  const float step = from_e4m3(scale) * global;
  if (step == 0.0f) return;
  for (int i = 0; i < 16; ++i)
    codes[i / 8] |= to_e2m1(__fdiv_rn(x[i], step)) << (4 * (i % 8));
}

// What one tile's results need to know.
struct TileOutput {
  int group;
  int first_row;     // of C
  int rows;          // tokens of the tile that exist
  int first_column;  // of C, of this warpgroup's row block
};

template <Config kConfig>
struct Epilogue {
  static constexpr int kColumns = layout_of(kConfig).staged_columns;
  static constexpr int kPitch = layout_of(kConfig).pitch;
  static constexpr bool kByWarp = layout_of(kConfig).staged_by_warp;
  static constexpr int kThreads = kByWarp ? 32 : kWarpgroup;  // that stage together
  static constexpr bool kGated = kConfig.op == Operation::gated;

  float gate_scale, up_scale, gate_bias, up_bias;

  __device__ __forceinline__ void load_scales(const Call& call, int group) {
    constexpr float kUndo = kConfig.half == Half::fp16 ? kUndoFp16 : kUndoBf16;
    const float token = call.token_globals != nullptr ? call.token_globals[group * call.token_globals_step] : 1.0f;
    const int of_group = kGated ? 2 * group : group;
    // NOTE: the two globals first, as the reference has them; the power of two rounds nothing unless it overflows.
    gate_scale = call.weight_globals[of_group] * token * kUndo;
    up_scale = kGated ? call.weight_globals[of_group + 1] * token * kUndo : gate_scale;
  }

  // Biases of this thread's two rows of weights.
  __device__ __forceinline__ void load_biases(const Call& call, const TileOutput& tile, int thread) {
    gate_bias = up_bias = 0.0f;
    if constexpr (kConfig.bias) {
      const int warp = thread / 32, line = thread % 32 / 4;
      const int upper = tile.first_column + (kGated ? 8 * warp + line : 16 * warp + line);
      const int lower = kGated ? upper : upper + 8;
      const float* second = kGated ? call.bias_up : call.bias;
      const long long at = static_cast<long long>(tile.group) * call.n;
      if (upper < call.n && call.bias != nullptr) gate_bias = call.bias[at + upper];
      if (lower < call.n && second != nullptr) up_bias = second[at + lower];
    }
  }

  __device__ __forceinline__ void stage(float* staging, int token, int thread, float upper, float lower,
                                        const Call& call) const {
    const int warp = kByWarp ? 0 : thread / 32, line = thread % 32 / 4;
    const float first = fmaf(upper, gate_scale, gate_bias);
    const float second = fmaf(lower, up_scale, up_bias);
    if constexpr (kGated) {
      staging[token * kPitch + 8 * warp + line] = activate<kConfig.gate>(first, second, call);
    } else {
      staging[token * kPitch + 16 * warp + line] = first;
      staging[token * kPitch + 16 * warp + line + 8] = second;
    }
  }

  static __device__ __forceinline__ void meet(int meeting) {
    if constexpr (kByWarp) {
      __syncwarp();
    } else {
      warpgroup_sync(meeting);
    }
  }

  // Writes `tokens` (at most kChunkTokens) rows of kColumns results from the staging memory.
  __device__ __forceinline__ void write(const float* staging, const Call& call, const TileOutput& tile, int first_token,
                                        int tokens, int thread) const {
    constexpr int kPiece = kConfig.result == Result::nvfp4 ? 16 : 8;
    constexpr int kPieces = kColumns / kPiece;
#pragma unroll 1
    for (int i = thread % kThreads; i < tokens * kPieces; i += kThreads) {
      const int token = i / kPieces, column = i % kPieces * kPiece;
      const int at_column = tile.first_column + (kByWarp ? thread / 32 * kColumns : 0) + column;
      const int valid = call.n - at_column;
      if (valid <= 0) continue;
      const float* x = staging + token * kPitch + column;
      const long long row = tile.first_row + first_token + token;
      const long long at = row * call.n + at_column;
      if constexpr (kConfig.result == Result::nvfp4) {
        u32 codes[2], scale;
        quantise(x, call.out_global, codes, scale);
        *reinterpret_cast<uint2*>(static_cast<u8*>(call.out) + at / 2) = make_uint2(codes[0], codes[1]);
        call.out_scales[at / 16] = static_cast<u8>(scale);
      } else if constexpr (kConfig.result == Result::fp32) {
        float* out = static_cast<float*>(call.out) + at;
        if (call.n % 4 == 0 && valid >= 8) {
          reinterpret_cast<float4*>(out)[0] = reinterpret_cast<const float4*>(x)[0];
          reinterpret_cast<float4*>(out)[1] = reinterpret_cast<const float4*>(x)[1];
        } else {
          for (int j = 0; j < 8 && j < valid; ++j)
            out[j] = x[j];
        }
      } else {
        u32 pairs[4];
        for (int j = 0; j < 4; ++j)
          pairs[j] =
              kConfig.result == Result::fp16 ? pack_fp16(x[2 * j], x[2 * j + 1]) : pack_bf16(x[2 * j], x[2 * j + 1]);
        u16* out = static_cast<u16*>(call.out) + at;
        if (call.n % 8 == 0) {
          *reinterpret_cast<uint4*>(out) = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
        } else {
          for (int j = 0; j < 8 && j < valid; ++j)
            out[j] = static_cast<u16>(pairs[j / 2] >> (16 * (j % 2)));
        }
      }
    }
  }

  // NOTE: the sums move down through the registers by a chunk a turn, so that the loop's body exists once: unrolled,
  // the code of all widths takes ten times as long to compile, and no tile is short enough for the moves to matter.
  template <int kTokens>
  __device__ __forceinline__ void run(float (&sums)[kTokens / 2], float* staging, const Call& call,
                                      const TileOutput& tile, int thread, int meeting) const {
    const int pair = thread % 4;
    if constexpr (kByWarp) staging += thread / 32 * (kChunkTokens * kPitch);
    constexpr int kChunk = kTokens < kChunkTokens ? kTokens : kChunkTokens;
#pragma unroll 1
    for (int chunk = 0; chunk < tile.rows; chunk += kChunk) {
#pragma unroll
      for (int token = 0; token < kChunk; token += 8) {
        const int d = token / 2;
        stage(staging, token + 2 * pair, thread, sums[d], sums[d + 2], call);
        stage(staging, token + 2 * pair + 1, thread, sums[d + 1], sums[d + 3], call);
      }
      meet(meeting);
      const int left = tile.rows - chunk;
      write(staging, call, tile, chunk, left < kChunk ? left : kChunk, thread);
      meet(meeting);
#pragma unroll
      for (int d = 0; d + kChunk / 2 < kTokens / 2; ++d)
        sums[d] = sums[d + kChunk / 2];
    }
  }
};

}  // namespace thresher::sm90
