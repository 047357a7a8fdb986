// The AMX-BF16 kernel: 2 x 2 tiles, weight rows as the left operand, tokens as columns.
//
//   buffer  [steps][2 halves][16 rows][32 k] bf16             a tile of weights is 16 rows of 64 bytes
//   tokens  [tile of 16][steps][terms][16 k pairs][16][2]     bf16; fp16 activations are two exact terms, high + low
//   acc     [tile of 16 tokens][2 halves][16 rows][16 tokens] fp32
#include <immintrin.h>

#include "cpu/kernel_table.hpp"

namespace thresher::cpu {
namespace {

#include "cpu/activation.inl.hpp"
#include "cpu/words512.inl.hpp"

constexpr int64_t kTileBytes = 1024;

// ---- tiles ----------------------------------------------------------------------------------------------------------

void enter() {
  struct alignas(64) TileConfig {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t bytes_per_row[16] = {};
    uint8_t rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; ++tile) {
    config.bytes_per_row[tile] = 64;
    config.rows[tile] = 16;
  }
  // NOTE: GCC 12 says that the instruction reads 8 bytes only, and drops the stores to the rest without this.
  asm volatile("" : "+m"(config));
  _tile_loadconfig(&config);
}

void leave() {
  _tile_release();
}

// ---- dequantise -----------------------------------------------------------------------------------------------------

// Where a run stands, in registers: kept in the run itself, every quarter would wait for the last one's stores.
struct Cursor {
  const uint8_t* packed;     // the current step
  uint8_t* out;              // the current quarter
  int64_t quarter;           // in the step
  int64_t left;              // quarters
  const uint8_t* ahead;      // the next line to prefetch, or null
  const uint8_t* ahead_end;  // where it goes on at `following`
  const uint8_t* following;
};

inline Cursor open_run(const DequantRun& run) {
  const int64_t step = run.next / 8;
  const int64_t quarter = run.next % 8;
  Cursor at = {run.packed + step * 576,
               run.buffer + run.next * 256,
               quarter,
               quarters_of(run) - run.next,
               nullptr,
               run.packed + run.contiguous,
               run.following};
  if (run.prefetch_bytes > 0) {
    at.ahead = at.packed + run.prefetch_bytes + (quarter == 0 ? 0 : 64 * quarter + 64);
  }
  return at;
}

// Dequantises `count` quarters, fewer at the end of the run.
inline void advance(Cursor& at, int64_t count) {
  for (int64_t end = at.left > count ? at.left - count : 0; at.left > end; --at.left) {
    if (at.ahead != nullptr) {
      if (at.quarter == 0) {
        if (at.ahead >= at.ahead_end) {
          at.ahead = at.following + (at.ahead - at.ahead_end);
          at.ahead_end = at.ahead + INT32_MAX;
        }
        _mm_prefetch(reinterpret_cast<const char*>(at.ahead), _MM_HINT_T0);
        at.ahead += 64;
      }
      _mm_prefetch(reinterpret_cast<const char*>(at.ahead), _MM_HINT_T0);
      at.ahead += 64;
    }
    __m512i words[4];
    quarter_words(at.packed, at.quarter, words);
#pragma GCC unroll 4
    for (int row = 0; row < 4; ++row) {
      _mm512_store_si512(at.out + 64 * row, words[row]);
    }
    at.out += 256;
    if (++at.quarter == 8) {
      at.quarter = 0;
      at.packed += 576;
    }
  }
}

inline void close_run(const Cursor& at, DequantRun& run) {
  const int64_t next = quarters_of(run) - at.left;
  if (run.prefetch_bytes > 0) {
    run.lines_prefetched += next - run.next + (next + 7) / 8 - (run.next + 7) / 8;
  }
  run.next = next;
}

void dequantise(DequantRun& run, int64_t end) {
  Cursor at = open_run(run);
  advance(at, end - run.next);
  close_run(at, run);
}

// ---- multiply -------------------------------------------------------------------------------------------------------

// Steps that tokens are fetched ahead into the nearest cache. A tile load that misses there holds up the other loads,
// above all those of a second thread on the core.
constexpr int64_t kStepsAhead = 2;

inline void prefetch_tile(const void* tile) {
#pragma GCC unroll 16
  for (int line = 0; line < 16; ++line) {
    _mm_prefetch(static_cast<const char*>(tile) + 64 * line, _MM_HINT_T0);
  }
}

// What a pass over the steps works on, and the tokens and sums of the pass after it.
struct Pass {
  const uint8_t* tokens;
  const uint8_t* next_tokens;
  float* acc;
  const float* next_acc;
};

// A panel times one or two tiles of tokens. Dequantises `ahead_per_step` quarters of the next panel between the tile
// products of each step, where the vector units would be idle.
template <int kTiles, int kTerms>
inline void multiply_tiles(const MultiplyArgs& args, const Pass& pass, Cursor& ahead, int64_t ahead_per_step) {
  constexpr int kAccBytes = 64;
  float* acc = pass.acc;
  if (args.accumulate != 0) {
    _tile_loadd(0, acc, kAccBytes);
    _tile_loadd(1, acc + 256, kAccBytes);
    if constexpr (kTiles == 2) {
      _tile_loadd(2, acc + 512, kAccBytes);
      _tile_loadd(3, acc + 768, kAccBytes);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (kTiles == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  for (int64_t step = 0; step < args.steps; ++step) {
    const int64_t later = step + kStepsAhead;
    const uint8_t* fetched = later < args.steps ? pass.tokens + later * kTerms * kTileBytes
                                                : pass.next_tokens + (later - args.steps) * kTerms * kTileBytes;
    const uint8_t* weights = args.buffer + step * 2 * kTileBytes;
    _tile_loadd(4, weights, 64);
    _tile_loadd(5, weights + kTileBytes, 64);
#pragma GCC unroll 2
    for (int term = 0; term < kTerms; ++term) {
      const uint8_t* column = pass.tokens + (step * kTerms + term) * kTileBytes;
      _tile_loadd(6, column, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 5, 6);
      prefetch_tile(fetched + term * kTileBytes);
      if constexpr (kTiles == 2) {
        _tile_loadd(7, column + args.tile_stride, 64);
        _tile_dpbf16ps(2, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
        prefetch_tile(fetched + args.tile_stride + term * kTileBytes);
      }
    }
    if (args.accumulate != 0 && later >= args.steps && later < args.steps + kTiles) {
      prefetch_tile(pass.next_acc + (later - args.steps) * 512);
      prefetch_tile(pass.next_acc + (later - args.steps) * 512 + 256);
    }
    advance(ahead, ahead_per_step);
  }
  _tile_stored(0, acc, kAccBytes);
  _tile_stored(1, acc + 256, kAccBytes);
  if constexpr (kTiles == 2) {
    _tile_stored(2, acc + 512, kAccBytes);
    _tile_stored(3, acc + 768, kAccBytes);
  }
}

template <int kTerms>
void multiply_terms(const MultiplyArgs& args) {
  const int64_t tiles = (args.token_count + 15) / 16;
  const int64_t passes = (tiles + 1) / 2;
  Cursor ahead{};
  int64_t ahead_per_step = 0;
  if (args.ahead != nullptr) {
    ahead = open_run(*args.ahead);
    ahead_per_step = (ahead.left + passes * args.steps - 1) / (passes * args.steps);
  }
  for (int64_t tile = 0; tile < tiles; tile += 2) {
    // After the last pass most likely the same tokens' next steps follow.
    const bool last = tile + 2 >= tiles;
    const Pass pass = {
        args.tokens + tile * args.tile_stride,
        last ? args.tokens + args.steps * kTerms * kTileBytes : args.tokens + (tile + 2) * args.tile_stride,
        args.acc + tile * 512, last ? args.acc : args.acc + (tile + 2) * 512};
    if (tile + 2 <= tiles) {
      multiply_tiles<2, kTerms>(args, pass, ahead, ahead_per_step);
    } else {
      multiply_tiles<1, kTerms>(args, pass, ahead, ahead_per_step);
    }
  }
  if (args.ahead != nullptr) {
    close_run(ahead, *args.ahead);
  }
}

void multiply(const MultiplyArgs& args) {
  if (args.split != 0) {
    multiply_terms<2>(args);
  } else {
    multiply_terms<1>(args);
  }
}

// ---- few tokens -----------------------------------------------------------------------------------------------------

// A panel times one tile of tokens: sums stay in their tiles over all steps, and weights pass through a small ring that
// never leaves the nearest cache. A step is dequantised kLead steps before its tiles are loaded, so that its stores
// have reached the cache by then.
template <int kTerms>
void dot_packed_terms(const DotPackedArgs& args) {
  constexpr int64_t kRing = 4;
  constexpr int64_t kLead = 3;
  alignas(64) uint8_t ring[kRing * 2 * kTileBytes];
  DequantRun run{};
  run.packed = args.packed;
  run.buffer = ring;
  run.steps = args.steps;
  run.prefetch_bytes = args.prefetch_bytes;
  run.contiguous = INT32_MAX;  // the next panel lies straight after this one
  Cursor at = open_run(run);
  const auto dequantise_step = [&](int64_t step) {
    at.out = ring + step % kRing * 2 * kTileBytes;
    advance(at, 8);
  };
  for (int64_t step = 0; step < kLead; ++step) {
    dequantise_step(step);
  }
  if (args.accumulate != 0) {
    _tile_loadd(0, args.acc, 64);
    _tile_loadd(1, args.acc + 256, 64);
  } else {
    _tile_zero(0);
    _tile_zero(1);
  }
  for (int64_t step = 0; step < args.steps; ++step) {
    dequantise_step(step + kLead);
    const uint8_t* weights = ring + step % kRing * 2 * kTileBytes;
    _tile_loadd(4, weights, 64);
    _tile_loadd(5, weights + kTileBytes, 64);
#pragma GCC unroll 2
    for (int term = 0; term < kTerms; ++term) {
      _tile_loadd(6, args.tokens + (step * kTerms + term) * kTileBytes, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 5, 6);
    }
  }
  _tile_stored(0, args.acc, 64);
  _tile_stored(1, args.acc + 256, 64);
  close_run(at, run);
  *args.lines_prefetched += run.lines_prefetched;
}

void dot_packed(const DotPackedArgs& args) {
  if (args.split != 0) {
    dot_packed_terms<2>(args);
  } else {
    dot_packed_terms<1>(args);
  }
}

#include "cpu/amx_tokens.inl.hpp"

// ---- finish ---------------------------------------------------------------------------------------------------------

// Accumulators have tokens along a row; C has columns along a row.
inline const float* token_rows(const float* acc, int64_t first_token, float* scratch) {
  const float* tile = acc + 32 * first_token;
  for (int half = 0; half < 2; ++half) {
    __m512i rows[16];
    for (int r = 0; r < 16; ++r) {
      rows[r] = _mm512_load_si512(tile + 256 * half + 16 * r);
    }
    transpose(rows);
    for (int t = 0; t < 16; ++t) {
      _mm512_store_si512(scratch + 32 * t + 16 * half, rows[t]);
    }
  }
  return scratch;
}

#include "cpu/finish.inl.hpp"

// ---- peak -----------------------------------------------------------------------------------------------------------

// NOTE: on tiles that hold data. Two threads of a core share its multiplier, yet products of tiles that were never
// loaded do not compete for it: timed on those, a core with two threads shows twice the rate that it has.
double spin_multiply_add(int64_t iterations) {
  alignas(64) uint16_t data[512];
  for (int i = 0; i < 512; ++i) {
    data[i] = static_cast<uint16_t>(0x3F80 + 0x8000 * (i & 1) + i % 128);  // both signs, all mantissas
  }
  _tile_loadd(4, data, 64);
  _tile_loadd(5, data, 64);
  _tile_loadd(6, data, 64);
  _tile_loadd(7, data, 64);
  _tile_loadd(0, data, 64);
  _tile_loadd(1, data, 64);
  _tile_loadd(2, data, 64);
  _tile_loadd(3, data, 64);
  for (int64_t i = 0; i < iterations; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
    _tile_dpbf16ps(2, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
  return static_cast<double>(iterations) * 4 * 16 * 16 * 32 * 2;
}

}  // namespace

const IsaKernels kAmxKernels = {
    .name = "amx",
    .token_tile = 16,
    .token_step_bytes = kTileBytes,
    .token_tile_pad = 8 * kTileBytes,
    .token_chunk_bytes = 512 * 1024,
    .token_split = 2,
    .buffer_step_bytes = 2 * kTileBytes,
    .enter = enter,
    .leave = leave,
    .pack_tokens = pack_tokens,
    .vector_bytes = 0,
    .dequantise = dequantise,
    .multiply = multiply,
    .dot_packed = dot_packed,
    .direct_tokens = 16,
    .finish = finish,
    .spin_multiply_add = spin_multiply_add,
};

}  // namespace thresher::cpu
