// Multiplying straight from packed weights, for few tokens: what a panel buffer would cost in stores and loads then
// outweighs dequantising in registers. Included after lane_dot.inl.hpp; the including file provides kSums,
// kDirectTokens, kUnitRows, Unit, load_unit() and expand_row(). Sums run in the same order as lane_dot's, so both give
// the same bits.

// Steps taken at a time by all rows of the panel: packed weights are then read nearly in order, once, which is what the
// hardware fetches ahead; sums wait in L1 meanwhile.
constexpr int64_t kChunkSteps = 8;

// A run of steps of a panel.
struct DotChunk {
  const uint8_t* step;
  const float* tokens;
  int64_t steps;
  int64_t prefetch_bytes;
};

// kRows rows of a quarter, from row kFirstRow, times kTokens tokens: adds to sums[kRows][kTokens].
template <int kFirstRow, int kRows, int kTokens>
static inline void dot_packed_block(const DotChunk& chunk, int64_t quarter, Vec* sums) {
  const uint8_t* codes = chunk.step + 64 * quarter;
  const uint8_t* scales = chunk.step + 512 + 8 * quarter;
  const float* x = chunk.tokens;
  Vec sum[kRows * kTokens];
#pragma GCC unroll 24
  for (int i = 0; i < kRows * kTokens; ++i) {
    sum[i] = sums[i];
  }
  for (int64_t s = 0; s < chunk.steps; ++s) {
    if (chunk.prefetch_bytes > 0 && kFirstRow == 0) {
      __builtin_prefetch(codes + chunk.prefetch_bytes);
      if (quarter == 0) {
        __builtin_prefetch(scales + chunk.prefetch_bytes);
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      Vec weights[kVectorsPerStep];
      expand_row(load_unit(codes, (kFirstRow + r) / kUnitRows), scales, kFirstRow + r, weights);
#pragma GCC unroll 4
      for (int v = 0; v < kVectorsPerStep; ++v) {
#pragma GCC unroll 12
        for (int t = 0; t < kTokens; ++t) {
          Vec& to = sum[r * kTokens + t];
          to = multiply_add(weights[v], load(x + (v * kTokens + t) * kLanes), to);
        }
      }
    }
    codes += 576;
    scales += 576;
    x += 32 * kTokens;
  }
#pragma GCC unroll 24
  for (int i = 0; i < kRows * kTokens; ++i) {
    sums[i] = sum[i];
  }
}

// All rows of a quarter, block by block. A row's place in its quarter is known to the compiler, as it decides shifts.
template <int kFirstRow, int kRows, int kTokens>
static inline void dot_packed_quarter(const DotChunk& chunk, int64_t quarter, Vec (*sums)[kTokens]) {
  dot_packed_block<kFirstRow, kRows, kTokens>(chunk, quarter, sums[kFirstRow]);
  if constexpr (kFirstRow + kRows < 4) {
    dot_packed_quarter<kFirstRow + kRows, kRows, kTokens>(chunk, quarter, sums);
  }
}

template <int kRows, int kTokens>
static void dot_packed_panel(const DotPackedArgs& args) {
  Vec sums[32][kTokens];
  for (int row = 0; row < 32; ++row) {
    for (int t = 0; t < kTokens; ++t) {
      sums[row][t] = zero();
    }
  }
  const float* tokens = reinterpret_cast<const float*>(args.tokens);
  for (int64_t first = 0; first < args.steps; first += kChunkSteps) {
    const int64_t left = args.steps - first;
    const DotChunk chunk = {args.packed + first * 576, tokens + first * 32 * kTokens,
                            left < kChunkSteps ? left : kChunkSteps, args.prefetch_bytes};
    for (int64_t quarter = 0; quarter < 8; ++quarter) {
      dot_packed_quarter<0, kRows, kTokens>(chunk, quarter, sums + 4 * quarter);
    }
  }
  if (args.prefetch_bytes > 0) {
    *args.lines_prefetched += 9 * args.steps;
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int row = 0; row < 32; row += 4) {
      const Vec four[4] = {sums[row][t], sums[row + 1][t], sums[row + 2][t], sums[row + 3][t]};
      add_sums_of_rows(four, args.acc + 32 * t + row, args.accumulate);
    }
  }
}

// Rows of a block so that the sums fill the registers: as many as fit, since that many sums run at a time.
template <int kTokens>
static void dot_packed_tokens(const DotPackedArgs& args) {
  constexpr int kRows = 4 * kTokens <= kSums ? 4 : (2 * kTokens <= kSums ? 2 : 1);
  dot_packed_panel<kRows, kTokens>(args);
}

template <int kTokens>
static void dot_packed_from(const DotPackedArgs& args) {
  if (args.token_count == kTokens) {
    return dot_packed_tokens<kTokens>(args);
  }
  if constexpr (kTokens < kDirectTokens) {
    dot_packed_from<kTokens + 1>(args);
  }
}

static void dot_packed(const DotPackedArgs& args) {
  dot_packed_from<1>(args);
}
