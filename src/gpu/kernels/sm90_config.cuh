// What a kernel is built for and what a call gives it. Plain C++ for both sides: the host fills these, the device reads
// them.
#pragma once

namespace thresher::sm90 {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

// What the products are made of. Sums are fp32 either way.
enum class Half : int { fp16 = 0, bf16 = 1 };
enum class Operation : int { plain = 0, gated = 1 };
enum class Result : int { fp16 = 0, bf16 = 1, fp32 = 2, nvfp4 = 3 };
enum class Gate : int { silu = 0, swiglu_oai = 1, gelu_tanh = 2, relu2 = 3 };
// Who multiplies: warpgroups with the tokens in shared memory (wgmma), or single warps with both in registers (mma),
// which has no minimum to wait for and wins for few tokens.
enum class Products : int { warpgroup = 0, warp = 1 };
enum class Schedule : int { static_tiles = 0, stream_k = 1 };

struct Config {
  Operation op;
  Half half;  // type of the products
  Result result;
  Gate gate;  // of a gated op
  bool bias;
  int consumers;    // warpgroups that multiply
  int row_blocks;   // blocks of 64 weight rows a warpgroup: 1 or 2
  int tile_tokens;  // most tokens a tile has; groups with fewer get the multiple of 8 that fits them
  int token_step;   // tiles have multiples of this many tokens (8: exact); the maximum stands for "always full"
  int tile_k;       // 64 or 128 k a stage
  int stages;       // of the ring between the copy engine and the warpgroups
  Products products;
  Schedule schedule;
  int stage_overhead;  // what a stage of a tile takes besides its tokens, in tokens; balances tiles of unequal widths
  int max_groups;      // of the table in shared memory
};

constexpr int kBlockRows = 64;    // rows of weights that one product instruction takes
constexpr int kBlockK = 64;       // k elements of a packed block: four products of 16
constexpr int kCodeBytes = 2048;  // of a packed block: 16 contiguous bytes a thread of a warpgroup
constexpr int kScaleBytes = 256;  // of a packed block: 8 contiguous bytes for the four threads that share rows
constexpr int kPackedBytes = kCodeBytes + kScaleBytes;
constexpr int kQuad = 4;          // packed blocks of rows that lie side by side, so that one copy brings a tile's stage
constexpr int kTokenBytes = 128;  // 64 elements of 16 bits: one line of the 128-byte swizzle
constexpr int kWarpgroup = 128;

// A code's magnitude lies in the exponent's low bits, so that a product comes out as value * 2^-14 (fp16) or, with the
// scale lifted to stay normal, value * 2^-7 (bf16). alpha takes it back.
constexpr float kUndoFp16 = 16384.0f;
constexpr float kUndoBf16 = 128.0f;

constexpr int kChunkTokens = 32;  // tokens whose results are staged at a time

// One group with tokens, in shared memory. The widest come first.
struct GroupEntry {
  u64 cost;  // of all entries before
  int group;
  int tokens;
  int first_token;     // in the caller's rows
  int first_prepared;  // in the prepared rows
};

// A run of stages of one tile. Lies in shared memory with the first of its stages, so that only the threads that copy
// walk through the schedule.
struct alignas(16) Piece {
  int width;  // tokens of the tile; 0: no more pieces
  int stages;
  int entry;        // of the table
  int first_stage;  // of the tile's k; 0: the results are this CTA's to store
  int helpers;      // shares after this one that have the rest of the tile's k
  int first_block;  // of 64 weight rows
  int first_token;  // of the group
  int unused;
};

#ifdef __CUDACC__
#define TH_BOTH_SIDES __host__ __device__
#else
#define TH_BOTH_SIDES
#endif

// Sizes and places in shared memory, in bytes: tokens (1024-byte aligned), weights, staging, pieces, barriers, table.
struct Layout {
  int tile_blocks, blocks_of_stage, threads;
  int token_stage, weight_stage;
  int columns;          // of C, of a row block
  bool staged_by_warp;  // each warp stages its own columns: nobody waits, but 16 columns share a scale of an NVFP4
                        // result
  int staged_columns;   // of C, that are staged together
  int pitch;            // words of a staged token: fragments of a warp then lie in 32 different banks
  int staging;          // of a warpgroup
  int weights_at, staging_at, pieces_at, barriers_at, table_at, shared_bytes;
};

TH_BOTH_SIDES constexpr Layout layout_of(const Config& config) {
  Layout l{};
  l.tile_blocks = config.consumers * config.row_blocks;
  l.blocks_of_stage = config.tile_k / kBlockK;
  l.threads = (config.consumers + 1) * kWarpgroup;
  l.token_stage = config.tile_tokens * kTokenBytes * l.blocks_of_stage;
  l.weight_stage = l.tile_blocks * kPackedBytes * l.blocks_of_stage;
  l.columns = config.op == Operation::gated ? kBlockRows / 2 : kBlockRows;
  l.staged_by_warp = config.result != Result::nvfp4;
  l.staged_columns = l.staged_by_warp ? l.columns / 4 : l.columns;
  l.pitch = l.staged_columns + 4;
  l.staging = kChunkTokens * l.pitch * 4 * (l.staged_by_warp ? 4 : 1);
  l.weights_at = config.stages * l.token_stage;
  l.staging_at = l.weights_at + config.stages * l.weight_stage;
  l.pieces_at = l.staging_at + config.consumers * l.staging;
  l.barriers_at = l.pieces_at + static_cast<int>(sizeof(Piece)) * config.stages;
  l.table_at = l.barriers_at + 16 * config.stages;
  l.shared_bytes = l.table_at + static_cast<int>(sizeof(GroupEntry)) * config.max_groups;
  return l;
}

// What a call gives the kernels. Filled by the host; pointers are of the device.
struct Call {
  const int* offsets;           // [groups + 1]
  const void* tokens;           // codes [rows, k/2], or fp16 or bf16 [rows, k]
  const u8* token_scales;       // NVFP4: E4M3 [rows, k/16]
  const float* token_globals;   // NVFP4: [groups] or one
  const u8* weights;            // [groups][blocks / kQuad][k_blocks][kQuad][kPackedBytes]
  const float* weight_globals;  // [groups] or, gated, [groups][2]: gate, up
  const float* bias;            // [groups, n] or null
  const float* bias_up;
  void* out;                 // [rows, n]
  u8* out_scales;            // NVFP4: [rows, n/16]
  u8* prepared;              // tokens as the products read them: [k_blocks][prepared_rows][kTokenBytes]
  float* partials;           // [CTAs][rows of a tile x tokens of a tile]
  u32* flags;                // [CTAs][consumers]: a Flag
  float out_global;          // NVFP4: the scale to quantise with
  float alpha, beta, limit;  // swiglu_oai
  int groups, n, k;
  int blocks;    // of 64 weight rows, a group: a multiple of kQuad
  int k_blocks;  // of 64: even, padded with zeros
  int prepared_rows;
  int shares;              // CTAs of the product kernel
  int token_globals_step;  // 0: one for all groups
};

}  // namespace thresher::sm90
