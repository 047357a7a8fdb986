// How far a correct fp32 kernel may be from the reference: the one place where that is derived.
//
// Background
//   A kernel computes s = sum a_i * b_i over k terms, v = fl(fl(alpha * s) + bias), an activation of one or two such v,
//   and rounds to the output type. The reference does the same in double, whose own error (k * 2^-53) is nothing here.
//   u = 2^-24 is the unit roundoff of fp32. Every product a_i * b_i is exact in fp32: E2M1 x E4M3 has at most 6
//   significant bits, fp16 11, bf16 8, so a product has at most 17. What is left is the rounding of the k - 1
//   additions.
//
// Approach: the sum
//   Addition number i commits an error of at most eps * |s_i|, s_i being its partial sum. The worst case k * eps *
//   sum|ab| is never seen and would let a kernel with 8-bit activations pass. Rounding errors behave like independent,
//   zero-mean variables; then (Higham and Mary, "A new approach to probabilistic rounding error analysis", SIAM J. Sci.
//   Comput. 41, 2019) the total is below lambda * sqrt(n) * eps * max|s_i| except with probability 2 exp(-lambda^2 /
//   2), 3e-8 at lambda = 6, n being the number of roundings. The paper bounds max|s_i| by sum|ab|. That is right for
//   terms of one sign but sqrt(k) too large for the mixed signs of a real product (their later "Sharper probabilistic
//   backward error analysis for ... random data", 2020, is about this): there, in any order that was not made against
//   us, partial sums wander within a few times q = sqrt(sum (ab)^2) of the straight line from 0 to s. So
//       max|s_i| <= |s| + 3 q,    and    E_sum = eps * min(lambda * sqrt(n) * (|s| + 3 q),  n * sum|ab|)
//   It adapts: terms of one sign have |s| = sum|ab|, mixed signs have |s| ~ q. Since sum|ab| is between q and
//   sqrt(k) q, the second term of the minimum (the worst case) is replaced by its upper bound n * sqrt(k) * q; it
//   matters for the smallest k only. This is the budget `c * eps_acc * sum|ab|` with a c that depends on the data. In
//   the observable: for k = 4096, mixed signs, about 1e-4 of |s|; activations rounded from fp16 to bf16 err by 1.5e-3.
//   Seen in tests (fp32 output, k = 16 to 7168): the worst error of all elements is 0.03 to 0.08 of the bound.
//   Hardware that truncates (older tensor cores align and cut off) has a bias: errors add up, so n replaces
//   lambda * sqrt(n). AccumulatorModel says which, its eps, and how many terms share one rounding.
//
// Approach: after the sum
//   * alpha = fl(global_a * global_b), fl(alpha * s), fl(v + bias): one u each of its own result.
//   * Activation f(g) * h(u): a first-order bound with the local derivative plus the remainder,
//     e_f = |f'(g)| e_g + C e_g^2 / 2 with C >= max|f''|, and the product rule with both errors,
//     |f| e_h + |h| e_f + e_f e_h. Clamps do not enlarge errors; safely beyond a clamp the error is zero.
//   * Evaluating sigmoid(z), z = alpha * g, in fp32: a rounded exponent argument z(1 + d) changes exp(z) by
//     |z| d (relative), and sigmoid by (1 - sigmoid) times that; then 8 u for exp, the addition and the division.
//     NOTE: this supposes the sigmoid form. 0.5 * (1 + tanh(y)) cancels for y < 0, has an error of u relative to 1, and
//     is rightly refused.
//   * Output rounding: half a unit in the last place of the binade that the value, moved by its error, can reach.
//
// Approach: underflow
//   fp32 results below 2^-126 may be flushed (AMX, and GPUs on request): 2^-126 absolute per rounding that is followed
//   by no factor, and 2^-126 |s| for alpha. Subnormal bf16 inputs and outputs may be flushed (AMX and AVX512-BF16 do):
//   an input loses at most 2^-126 times the largest |e2m1 * e4m3| = 2688. fp16 subnormals go up to 6e-5 and everything
//   we know of reads and writes them exactly: flushing them is an error that this tolerance must show, so there is
//   no term for it. Partial sums that could overflow fp32 leave nothing to check: the tolerance is infinite.
//
// Rejected
//   * A relative tolerance (rtol = 1e-2, say): wrong for sums that cancel, blind to lower precision where they don't.
//   * lambda * sqrt(k) * sum|ab|: 10 times larger at k = 4096 with mixed signs, so that the error of bf16-rounded
//     activations is of its size instead of well above it.
//   * Running the kernel's own order of additions in the reference: exact, but then every kernel needs its own truth.
//   * Errors fitted to what today's kernels do: passes them by construction and says nothing about being right.
#pragma once

#include <cstdint>
#include <string_view>

#include "thresher/problem.hpp"

namespace thresher::reference {

/// How a kernel adds up products.
struct AccumulatorModel {
  std::string_view name = "fp32";
  double eps = 0x1p-24;                 // bound on the relative error of one rounding
  std::int64_t terms_per_rounding = 1;  // products that are added exactly before one rounding
  bool truncates = false;               // errors have a bias: they grow like n, not like sqrt(n)
};

/// A scalar product as the reference saw it, without global scales.
struct RawSum {
  double sum = 0;           // sum a*b
  double sum_squares = 0;   // sum (a*b)^2
  std::int64_t terms = 0;   // k
  bool bf16_input = false;  // subnormal inputs may be flushed
};

/// A value and a bound on how far a correct kernel may be from it.
struct Bounded {
  double value = 0;
  double error = 0;
};

/// alpha * sum + bias; `alpha` is the exact product of the global scales.
Bounded bound_product(const RawSum& raw, double alpha, double bias, const AccumulatorModel& accumulator);

/// The activation of `gated`, value and error, before rounding to the output type.
Bounded bound_activation(const Activation& activation, const Bounded& gate, const Bounded& up);

/// The same bound with the rounding to `type` added; for nvfp4 unchanged (compare() rounds both ends itself).
double bound_output(OutputType type, const Bounded& result);

/// The magnitude from which rounding to `type` gives infinity: 65520 for fp16. Infinite for nvfp4, which saturates.
double overflow_threshold(OutputType type);

}  // namespace thresher::reference
