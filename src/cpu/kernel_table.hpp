// What an instruction set provides: plain function pointers over plain structs.
//
// NOTE: files that are compiled for one instruction set include this header, intrinsics and their own *.inl.hpp, and
// nothing else: an inline function of the standard library compiled there for AVX-512 could be the copy that the linker
// keeps for everybody. tools/check_isa_objects.py checks it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace thresher::cpu {

/// Activations as the caller stores them. `kind` is OperandType.
struct TokenSource {
  int kind;
  const void* data;       // [rows, k] or codes [rows, k/2]
  const uint8_t* scales;  // nvfp4: [rows, k/16]
  int64_t k;
};

/// A run of k steps of one packed panel to dequantise into a buffer.
struct DequantRun {
  const uint8_t* packed;     // first step of the run
  uint8_t* buffer;           // where the dequantised run goes, 64-byte aligned
  int64_t steps;             // k steps in the run
  int64_t next;              // quarters done; 8 quarters a step
  int64_t prefetch_bytes;    // distance ahead at which packed lines are prefetched, 0: none
  int64_t contiguous;        // bytes from `packed` that this run and those after it read straight on
  const uint8_t* following;  // packed weights that are read after those
  int64_t lines_prefetched;  // counted by the kernel
};

static inline int64_t quarters_of(const DequantRun& run) {
  return run.steps * 8;
}

/// Fetches the line that is as far ahead as the run wants, straight on or where the next run lies.
static inline void prefetch_line(DequantRun& run, int64_t offset) {
  const int64_t ahead = offset + run.prefetch_bytes;
  __builtin_prefetch(ahead < run.contiguous ? run.packed + ahead : run.following + (ahead - run.contiguous));
  ++run.lines_prefetched;
}

/// What a kernel calls when it uses a quarter of a step: 9 lines of the steps ahead for 8 quarters.
static inline void prefetch_packed(DequantRun& run, int64_t step, int64_t quarter) {
  if (run.prefetch_bytes > 0) {
    prefetch_line(run, step * 576 + 64 * quarter);
    if (quarter == 0) {
      prefetch_line(run, step * 576 + 512);  // scales
    }
  }
}

/// acc (+)= panel (32 rows) * tokens, over the k steps of a dequantised buffer.
struct MultiplyArgs {
  const uint8_t* buffer;  // dequantised panel
  const uint8_t* tokens;  // first token tile, at the first k step
  int64_t tile_stride;    // bytes from one token tile to the next
  int64_t token_count;    // tokens, >= 1
  int64_t steps;          // k steps
  float* acc;             // 32 floats a token, order private to the instruction set
  int accumulate;         // 0: overwrite acc
  int split;              // 1: tokens were packed as two bf16 terms (fp16 activations on AMX)
  DequantRun* ahead;      // null, or a run to advance while multiplying
};

/// The same for a few tokens straight from packed steps, without a buffer.
struct DotPackedArgs {
  const uint8_t* packed;
  const uint8_t* tokens;  // interleaved: vector by vector, all tokens of the block each; or one tile
  int64_t token_count;    // 1 .. direct_tokens
  int64_t steps;
  float* acc;
  int accumulate;
  int split;  // as in MultiplyArgs
  int64_t prefetch_bytes;
  int64_t* lines_prefetched;  // counted by the kernel
};

/// From accumulators to C. Mirrors the public types as ints so that no public header is needed here.
struct FinishArgs {
  const float* acc;      // first panel; token t of panel p at acc + p * panel_stride + 32 * t (order private)
  int64_t panel_stride;  // floats
  int64_t panels;
  int64_t token_count;
  int gated;                   // 1: rows 0..15 gate, 16..31 up; 0: 32 columns
  float alpha_gate, alpha_up;  // products of global scales; plain uses alpha_gate
  const float* bias_gate;      // at the first column of the first panel, or null; plain uses bias_gate
  const float* bias_up;
  int activation;  // ActivationKind
  float act_alpha, act_beta, act_limit;
  int output;    // OutputType
  uint8_t* out;  // at (first token, first column)
  int64_t out_row_bytes;
  uint8_t* out_scales;  // nvfp4: at (first token, first block)
  int64_t out_scale_row_bytes;
  float out_global_scale;
  int64_t columns;         // valid columns of C over all panels
  int streaming;           // 1: full aligned lines go past the cache
  int64_t lines_streamed;  // counted by the kernel
  /// Requantises 16 values: 8 bytes of codes and a scale byte. A pointer so that one function decides every rounding.
  void (*quantize_block)(const float* values, float global_scale, uint8_t* codes, uint8_t* scale);
};

struct IsaKernels {
  const char* name;
  int64_t token_tile;         // tokens of one packed tile
  int64_t token_step_bytes;   // bytes of one tile per k step (fp16 activations: times token_split)
  int64_t token_tile_pad;     // bytes added to a tile so that tiles do not fall on the same cache sets
  int64_t token_chunk_bytes;  // tokens that stay in cache while every panel of a task passes; 0: one k block
  int64_t token_split;        // terms that an fp16 activation is split into: 1, or 2 where the unit is bf16
  int64_t buffer_step_bytes;  // dequantised bytes of one panel per k step

  void (*enter)();  // per thread, before the others below; may be null
  void (*leave)();
  /// Packs `count` (1 .. token_tile) tokens from row `first`, all `steps` k steps; missing tokens and k are zeros.
  /// Vectors of vector_bytes follow each other at `vector_stride`, so that a few tokens can be interleaved for
  /// dot_packed.
  void (*pack_tokens)(const TokenSource& source, int64_t first, int64_t count, int64_t steps, uint8_t* tile,
                      int64_t vector_stride);
  int64_t vector_bytes;  // 0: tiles are never interleaved, and direct_tokens is at most one tile
  /// Advances the run to `end` quarters. Any order of calls gives the same bytes.
  void (*dequantise)(DequantRun& run, int64_t end);
  void (*multiply)(const MultiplyArgs& args);
  /// Dequantises in registers; null where it never pays. Serves dequant_stages = 1 and at most direct_tokens tokens.
  void (*dot_packed)(const DotPackedArgs& args);
  int64_t direct_tokens;
  void (*finish)(FinishArgs& args);
  /// Runs `iterations` of a loop of nothing but multiply-adds; returns the floating-point operations done.
  double (*spin_multiply_add)(int64_t iterations);
};

extern const IsaKernels kPortableKernels;
extern const IsaKernels kAvx2Kernels;
extern const IsaKernels kAvx512Kernels;
extern const IsaKernels kAmxKernels;

/// The look-up tables of the kernels: bf16 of e2m1(code) * e4m3(scale) for all 256 scales and 16 codes, exact.
struct DequantTables {
  alignas(64) uint8_t planes[256][2][32];  // low bytes, then high bytes; each plane twice in a row
  alignas(64) uint16_t words[256][16];     // bf16
};
extern const DequantTables kDequantTables;

}  // namespace thresher::cpu
