// Multiplying straight from packed weights, for few tokens: what a panel buffer would cost in stores and loads then
// outweighs dequantising in registers. Included after lane_dot.inl.hpp; the including file provides kUnitsPerStep,
// Unit, load_unit() and expand_row(). Sums run in the same order as lane_dot's, so both give the same bits.

// Steps taken at a time by all rows of the panel: packed weights are then read nearly in order, once, which is what the
// hardware fetches ahead; sums wait in L1 meanwhile.
constexpr int64_t kChunkSteps = 8;

// kRows rows of a quarter, from row `first_row`, times kTokens tokens over `steps` steps: adds to sums[kTokens][kRows].
template <int kRows, int kTokens>
static inline void dot_packed_block(const DotPackedArgs& args, const uint8_t* step, const float* x, int64_t steps,
                                    int64_t quarter, int first_row, Vec* sums) {
  Vec sum[kRows * kTokens];
#pragma GCC unroll 24
  for (int i = 0; i < kRows * kTokens; ++i) {
    sum[i] = sums[i];
  }
  for (int64_t s = 0; s < steps; ++s) {
    if (args.prefetch_bytes > 0 && first_row == 0) {
      __builtin_prefetch(step + 64 * quarter + args.prefetch_bytes);
      if (quarter == 0) {
        __builtin_prefetch(step + 512 + args.prefetch_bytes);  // the line of scales
      }
    }
#pragma GCC unroll 2
    for (int u = 0; u < kUnitsPerStep; ++u) {
      const Unit unit = load_unit(step, quarter, u);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        Vec even;
        Vec odd;
        expand_row(unit, step + 512 + 8 * quarter, first_row + r, u, &even, &odd);
#pragma GCC unroll 12
        for (int t = 0; t < kTokens; ++t) {
          const float* at = x + (2 * u * kTokens + t) * kLanes;
          Vec& to = sum[t * kRows + r];
          to = multiply_add(even, load(at), to);
          to = multiply_add(odd, load(at + kTokens * kLanes), to);
        }
      }
    }
    step += 576;
    x += 32 * kTokens;
  }
#pragma GCC unroll 24
  for (int i = 0; i < kRows * kTokens; ++i) {
    sums[i] = sum[i];
  }
}

// Adds the lanes of sums[kTokens][kRows] and writes them to the accumulators of kRows rows.
template <int kRows, int kTokens>
static inline void reduce_block(const Vec* sums, float* acc, int accumulate) {
  for (int i = 0; i < kRows * kTokens; i += 4) {
    Vec four[4];
    for (int j = 0; j < 4; ++j) {
      four[j] = i + j < kRows * kTokens ? sums[i + j] : zero();
    }
    float lanes[4];
    add_sums_of_rows(four, lanes, 0);
    for (int j = 0; j < 4 && i + j < kRows * kTokens; ++j) {
      float* to = acc + (i + j) / kRows * 32 + (i + j) % kRows;
      *to = accumulate != 0 ? *to + lanes[j] : lanes[j];
    }
  }
}

template <int kRows, int kTokens>
static void dot_packed_panel(const DotPackedArgs& args) {
  constexpr int kBlockSums = kRows * kTokens;
  Vec sums[32 / kRows][kBlockSums];
  for (int block = 0; block < 32 / kRows; ++block) {
    for (int i = 0; i < kBlockSums; ++i) {
      sums[block][i] = zero();
    }
  }
  for (int64_t first = 0; first < args.steps; first += kChunkSteps) {
    const int64_t left = args.steps - first;
    for (int block = 0; block < 32 / kRows; ++block) {
      dot_packed_block<kRows, kTokens>(
          args, args.packed + first * 576, reinterpret_cast<const float*>(args.tokens) + first * 32 * kTokens,
          left < kChunkSteps ? left : kChunkSteps, block * kRows / 4, block * kRows % 4, sums[block]);
    }
  }
  if (args.prefetch_bytes > 0) {
    *args.lines_prefetched += 9 * args.steps;
  }
  for (int block = 0; block < 32 / kRows; ++block) {
    reduce_block<kRows, kTokens>(sums[block], args.acc + block * kRows, args.accumulate);
  }
}

// Rows of a block so that the sums fill the registers: as many as fit, since a row's look-ups are shared by its tokens
// and a token's loads by its rows.
template <int kTokens>
static void dot_packed_tokens(const DotPackedArgs& args) {
  constexpr int kRows = 4 * kTokens <= kSums ? 4 : (2 * kTokens <= kSums ? 2 : 1);
  dot_packed_panel<kRows, kTokens>(args);
}

static void dot_packed(const DotPackedArgs& args) {
  switch (args.token_count) {
    case 1:
      return dot_packed_tokens<1>(args);
    case 2:
      return dot_packed_tokens<2>(args);
    case 3:
      return dot_packed_tokens<3>(args);
    case 4:
      return dot_packed_tokens<4>(args);
    case 5:
      return dot_packed_tokens<5>(args);
    case 6:
      return dot_packed_tokens<6>(args);
    case 7:
      return dot_packed_tokens<7>(args);
    case 8:
      return dot_packed_tokens<8>(args);
    case 9:
      return dot_packed_tokens<9>(args);
    case 10:
      return dot_packed_tokens<10>(args);
    case 11:
      return dot_packed_tokens<11>(args);
    default:
      return dot_packed_tokens<12>(args);
  }
}
