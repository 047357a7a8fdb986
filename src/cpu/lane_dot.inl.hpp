// The fp32 multiply of AVX-512, AVX2 and portable: vectors run along k, so a scaled weight is dequantised by look-up
// alone and activations need no transposition. Included inside each instruction set's own anonymous namespace; the
// including file provides Vec, kLanes, kMaxTokens, load(), multiply_add(), and sums_of_rows().
//
//   buffer  [8 quarters][steps][32/kLanes vectors][4 rows][kLanes]   one quarter (4 rows) is one register block
//   tokens  [token][steps][32/kLanes vectors][kLanes]                the same order of k inside a step
//   acc     [token][32 rows]

constexpr int kVectorsPerStep = 32 / kLanes;
constexpr int kQuarterStepBytes = 4 * 32 * 4;

// 4 rows times kTokens tokens over all steps.
template <int kTokens>
static inline void dot_block(const float* weights, const float* tokens, int64_t token_stride, int64_t steps, float* acc,
                             int accumulate) {
  Vec sum[kTokens][4];
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 4; ++r) {
      sum[t][r] = zero();
    }
  }
  const int64_t vectors = steps * kVectorsPerStep;
  for (int64_t v = 0; v < vectors; ++v) {
    Vec x[kTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      x[t] = load(tokens + t * token_stride + v * kLanes);
    }
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const Vec w = load(weights + (v * 4 + r) * kLanes);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        sum[t][r] = multiply_add(w, x[t], sum[t][r]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    add_sums_of_rows(sum[t], acc + 32 * t, accumulate);
  }
}

static inline void dot_tokens(int count, const float* weights, const float* tokens, int64_t token_stride, int64_t steps,
                              float* acc, int accumulate) {
  switch (count) {
    case 1:
      return dot_block<1>(weights, tokens, token_stride, steps, acc, accumulate);
    case 2:
      return dot_block<2>(weights, tokens, token_stride, steps, acc, accumulate);
    case 3:
      return dot_block<3>(weights, tokens, token_stride, steps, acc, accumulate);
    case 4:
      return dot_block < kMaxTokens < 4 ? 1 : 4 > (weights, tokens, token_stride, steps, acc, accumulate);
    case 5:
      return dot_block < kMaxTokens < 5 ? 1 : 5 > (weights, tokens, token_stride, steps, acc, accumulate);
    default:
      return dot_block<kMaxTokens>(weights, tokens, token_stride, steps, acc, accumulate);
  }
}

// Tokens are taken kMaxTokens at a time, in chunks that stay in L1 while the quarters of the panel pass by. The rest is
// split evenly, since a block of one token keeps too few sums in flight.
static void multiply(const MultiplyArgs& args) {
  const int64_t token_stride = args.tile_stride / 4;
  const float* tokens = reinterpret_cast<const float*>(args.tokens);
  const float* weights = reinterpret_cast<const float*>(args.buffer);
  const int64_t blocks = (args.token_count + kMaxTokens - 1) / kMaxTokens;
  const int64_t ahead_total = args.ahead != nullptr ? quarters_of(*args.ahead) : 0;
  int64_t done = 0;
  int64_t first = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t count = (args.token_count - first + (blocks - block) - 1) / (blocks - block);
    for (int quarter = 0; quarter < 8; ++quarter) {
      dot_tokens(static_cast<int>(count), weights + quarter * args.steps * (kQuarterStepBytes / 4),
                 tokens + first * token_stride, token_stride, args.steps, args.acc + 32 * first + 4 * quarter,
                 args.accumulate);
      if (args.ahead != nullptr) {
        ++done;
        dequantise(*args.ahead, ahead_total * done / (8 * blocks));
      }
    }
    first += count;
  }
}

// ---- packing of tokens ----------------------------------------------------------------------------------------------

static inline float bf16_value(uint16_t bits) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16U);
}

// fp16 to fp32, exact, subnormals, infinities and NaN included.
static inline float fp16_value(uint16_t bits) {
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7FFFU) << 13U;
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000U) << 16U;
  // Exponents are rebased by a multiplication, which is exact and turns fp16 subnormals into fp32 normals.
  float value = __builtin_bit_cast(float, magnitude) * 0x1p112f;
  if ((bits & 0x7C00U) == 0x7C00U) {
    value = __builtin_bit_cast(float, magnitude | 0x7F800000U);
  } else if ((bits & 0x7C00U) == 0) {
    // NOTE: magnitude is an fp32 subnormal here, which a caller's flush-to-zero mode would lose; count in units
    // instead.
    value = static_cast<float>(bits & 0x3FFU) * 0x1p-24f;
  }
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, value) | sign);
}

// The k elements [first, first + 16) of one row, natural order.
static inline void token_block(const TokenSource& source, int64_t row, int64_t first, float* values) {
  if (source.kind == 0) {
    const uint8_t* codes = static_cast<const uint8_t*>(source.data) + (row * source.k + first) / 2;
    const uint16_t* table = kDequantTables.words[source.scales[(row * source.k + first) / 16]];
    for (int i = 0; i < 8; ++i) {
      values[2 * i] = bf16_value(table[codes[i] & 15U]);
      values[2 * i + 1] = bf16_value(table[codes[i] >> 4U]);
    }
    return;
  }
  const uint16_t* elements = static_cast<const uint16_t*>(source.data) + row * source.k + first;
  for (int i = 0; i < 16; ++i) {
    values[i] = source.kind == 1 ? fp16_value(elements[i]) : bf16_value(elements[i]);
  }
}

static void pack_tokens(const TokenSource& source, int64_t first, int64_t count, int64_t steps, uint8_t* tile,
                        int64_t vector_stride) {
  (void)count;  // a tile is one token
  for (int64_t step = 0; step < steps; ++step) {
    alignas(64) float natural[32];
    token_block(source, first, 32 * step, natural);
    if (32 * step + 16 < source.k) {
      token_block(source, first, 32 * step + 16, natural + 16);
    } else {
      __builtin_memset(natural + 16, 0, 64);
    }
    for (int v = 0; v < kVectorsPerStep; ++v) {
      float* out = reinterpret_cast<float*>(tile + (step * kVectorsPerStep + v) * vector_stride);
      for (int lane = 0; lane < kLanes; ++lane) {
        out[lane] = natural[k_of_lane(v * kLanes + lane)];
      }
    }
  }
}
