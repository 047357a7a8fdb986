// The activations in fp32, written so that the compiler vectorises them. Included inside each instruction set's own
// anonymous namespace: never include it anywhere else.
//
// NOTE: no multiply-add is fused here (the build turns contraction off), so every instruction set gives the same bits.

// exp(t) for t <= 0, to about 2 ulp, subnormal results included; NaN stays NaN.
// Cody-Waite reduction: t = n ln 2 + r with |r| <= ln(2)/2, then a Taylor polynomial of degree 7 (error 2e-9 of 1 ulp
// 6e-8).
static inline float exp_nonpositive(float t) {
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693145752f;  // 15 bits, so that n * kLn2High is exact
  constexpr float kLn2Low = 1.42860677e-6f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits
  // Below -110 the result is zero in fp32; a comparison with NaN is false and keeps it.
  t = t < -110.0f ? -110.0f : t;
  const float shifted = t * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = (t - n * kLn2High) - n * kLn2Low;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  // 2^n in two factors: n reaches -159, where 2^n itself is no fp32 number.
  const uint32_t exponent = __builtin_bit_cast(uint32_t, shifted) - __builtin_bit_cast(uint32_t, kRound);
  const uint32_t half = static_cast<uint32_t>(static_cast<int32_t>(exponent) >> 1);
  const float first = __builtin_bit_cast(float, (half + 127U) << 23U);
  const float second = __builtin_bit_cast(float, (exponent - half + 127U) << 23U);
  return p * first * second;
}

// 1 / (1 + exp(-z)) without overflow on either side.
static inline float sigmoid(float z) {
  const float a = exp_nonpositive(z < 0.0f ? z : -z);
  return (z < 0.0f ? a : 1.0f) / (1.0f + a);
}

// silu is swiglu_oai with alpha 1, beta 0 and no limit; they share one function.
static inline float swiglu(float gate, float up, float alpha, float beta, float limit) {
  const float g = gate > limit ? limit : gate;
  const float low = up < -limit ? -limit : up;
  const float u = low > limit ? limit : low;
  return (u + beta) * (g * sigmoid(alpha * g));
}

// 0.5 * (1 + tanh(y)) = sigmoid(2 y).
static inline float gelu_tanh(float gate, float up) {
  constexpr float kTwoRootTwoOverPi = 1.59576912f;
  return gate * sigmoid(kTwoRootTwoOverPi * (gate + 0.044715f * (gate * gate * gate))) * up;
}

static inline float relu2(float gate, float up) {
  const float g = gate < 0.0f ? 0.0f : gate;
  return g * g * up;
}
