// From accumulators to C: alpha, bias, activation, rounding, store. Included inside each instruction set's own
// anonymous namespace after activation.inl.hpp; the including file provides
//   const float* token_rows(const float* acc, int64_t first_token, float* scratch)  -> [16 tokens][32 rows]
//   void narrow_row(const float* values, int output, uint16_t* out)                 -> 32 values to fp16 or bf16
//   void copy_line(uint8_t* to, const uint8_t* from)                               -> 64 bytes past the cache

constexpr int64_t kGroupTokens = 16;
constexpr int64_t kGroupColumns = 32;
constexpr int64_t kLineBytes = 64;
enum { kOutFp16 = 0, kOutBf16 = 1, kOutFp32 = 2, kOutNvfp4 = 3 };
enum { kActSilu = 0, kActSwigluOai = 1, kActGeluTanh = 2, kActRelu2 = 3 };

// The 16 columns of a gated panel for a group of tokens. The function is picked outside the loops, so that a loop is
// short enough for the processor to work on several tokens at a time: one token's is a long chain of operations.
template <typename Function>
static inline void activate_with(const FinishArgs& args, const float* rows, int64_t tokens, const float* bias_gate,
                                 const float* bias_up, float* y, Function function) {
  for (int64_t t = 0; t < tokens; ++t) {
    for (int i = 0; i < 16; ++i) {
      y[kGroupColumns * t + i] = function(rows[32 * t + i] * args.alpha_gate + bias_gate[i],
                                          rows[32 * t + 16 + i] * args.alpha_up + bias_up[i]);
    }
  }
}

static inline void activate(const FinishArgs& args, const float* rows, int64_t tokens, const float* bias_gate,
                            const float* bias_up, float* y) {
  const bool silu = args.activation == kActSilu;
  const float alpha = silu ? 1.0f : args.act_alpha;
  const float beta = silu ? 0.0f : args.act_beta;
  const float limit = silu ? __builtin_inff() : args.act_limit;
  if (args.activation == kActGeluTanh) {
    activate_with(args, rows, tokens, bias_gate, bias_up, y, [](float g, float u) { return gelu_tanh(g, u); });
  } else if (args.activation == kActRelu2) {
    activate_with(args, rows, tokens, bias_gate, bias_up, y, [](float g, float u) { return relu2(g, u); });
  } else {
    activate_with(args, rows, tokens, bias_gate, bias_up, y,
                  [=](float g, float u) { return swiglu(g, u, alpha, beta, limit); });
  }
}

// Writes `columns` (1..32) of one token's 32 values at out.
static inline void store_row(FinishArgs& args, const float* y, int64_t columns, uint8_t* out, uint8_t* out_scales) {
  if (args.output == kOutNvfp4) {
    for (int64_t block = 0; block < columns / 16; ++block) {
      args.quantize_block(y + 16 * block, args.out_global_scale, out + 8 * block, out_scales + block);
    }
    return;
  }
  alignas(64) uint8_t line[2 * kLineBytes];
  int64_t bytes = columns * 4;
  if (args.output == kOutFp32) {
    __builtin_memcpy(line, y, 2 * kLineBytes);
  } else {
    narrow_row(y, args.output, reinterpret_cast<uint16_t*>(line));
    bytes = columns * 2;
  }
  const bool whole_lines = bytes % kLineBytes == 0 && reinterpret_cast<uintptr_t>(out) % kLineBytes == 0;
  if (args.streaming != 0 && whole_lines) {
    for (int64_t at = 0; at < bytes; at += kLineBytes) {
      copy_line(out + at, line + at);
      ++args.lines_streamed;
    }
  } else if (bytes == kLineBytes) {
    __builtin_memcpy(out, line, kLineBytes);
  } else {
    __builtin_memcpy(out, line, static_cast<size_t>(bytes));
  }
}

// A bias or zeros for 32 columns; only `columns` of it exist.
static inline void load_bias(const float* bias, int64_t first, int64_t columns, float* to) {
  for (int i = 0; i < kGroupColumns; ++i) {
    to[i] = bias != nullptr && i < columns ? bias[first + i] : 0.0f;
  }
}

// One group of columns (two gated panels or a plain one) of one group of tokens.
static void finish_group(FinishArgs& args, int64_t panel, int64_t token, int64_t tokens, int64_t columns) {
  alignas(64) float scratch[kGroupTokens * 32];
  alignas(64) float y[kGroupTokens][kGroupColumns];
  alignas(64) float bias_gate[kGroupColumns];
  alignas(64) float bias_up[kGroupColumns];
  const int64_t panel_columns = args.gated != 0 ? 16 : 32;
  const int64_t first_column = panel * panel_columns;
  const int64_t element_bits = args.output == kOutNvfp4 ? 4 : (args.output == kOutFp32 ? 32 : 16);
  uint8_t* out = args.out + token * args.out_row_bytes + first_column * element_bits / 8;
  if (args.streaming == 0) {
    // Every row of C is another page: asked for now, its lines are here when the sums are ready.
    for (int64_t t = 0; t < tokens; ++t) {
      __builtin_prefetch(out + t * args.out_row_bytes, 1);
    }
  }
  load_bias(args.bias_gate, first_column, columns, bias_gate);
  load_bias(args.bias_up, first_column, columns, bias_up);
  for (int64_t part = 0; part * panel_columns < columns; ++part) {
    const float* rows = token_rows(args.acc + (panel + part) * args.panel_stride, token, scratch);
    if (args.gated != 0) {
      activate(args, rows, tokens, bias_gate + 16 * part, bias_up + 16 * part, y[0] + 16 * part);
      continue;
    }
    for (int64_t t = 0; t < tokens; ++t) {
      for (int i = 0; i < 32; ++i) {
        y[t][i] = rows[32 * t + i] * args.alpha_gate + bias_gate[i];
      }
    }
  }
  for (int64_t t = 0; t < tokens; ++t) {
    uint8_t* scales = args.output == kOutNvfp4
                          ? args.out_scales + (token + t) * args.out_scale_row_bytes + first_column / 16
                          : nullptr;
    store_row(args, y[t], columns, out + t * args.out_row_bytes, scales);
  }
}

static void finish(FinishArgs& args) {
  const int64_t group_panels = args.gated != 0 ? 2 : 1;
  for (int64_t token = 0; token < args.token_count; token += kGroupTokens) {
    const int64_t left = args.token_count - token;
    const int64_t tokens = left < kGroupTokens ? left : kGroupTokens;
    for (int64_t panel = 0; panel < args.panels; panel += group_panels) {
      const int64_t first_column = panel * (args.gated != 0 ? 16 : 32);
      const int64_t remaining = args.columns - first_column;
      finish_group(args, panel, token, tokens, remaining < kGroupColumns ? remaining : kGroupColumns);
    }
  }
}
