// Evidence that may be looked at after every block: a test by betting on the sign of paired differences.
//
// Background. Whoever looks at a fixed-size test after every block and stops at the first p < 0.01 is wrong far more
// often than in 1 % of races. An e-process can be looked at always: it starts at 1, and if the null hypothesis is true
// no strategy of stopping expects to find it above 1 (Ville: P(ever >= 1 / alpha) <= alpha).
// The log-ratio d of a block comes from slots in the order ABBA or BAAB, decided by a fair coin after everything that
// the machine did before. If B is A * exp(-theta), swapping the labels flips the sign of d - theta and changes nothing
// else. Given the past and |d - theta| both signs are then equally likely, whatever the drift, the autocorrelation or
// the tails of the machine's noise: validity rests on our coin, not on a model of the machine.
// Approach. E = sum over bets j of weight_j * prod_i (1 + stake_j * tanh(sharpness_j * (d_i - theta) / s_i)).
// tanh is odd, so each factor expects 1 at theta, and it rises, so a factor expects less than 1 where the effect is
// below theta. s_i is a robust scale of the blocks before i. For normal noise 1 + tanh(mu * d / s^2) is the likelihood
// ratio of +|d| against -|d|, the bet that grows fastest; the sharpness stands for an unknown mu / s, so a fixed
// mixture covers effects from a quarter of the noise to far above it at a cost of at most log(1 / weight_j).
// Stakes below 1, since one outlier must not ruin a bet for good.
// No test of this kind can be quicker than log2(1 / alpha) blocks (7 at 0.01): with n signs the least likely outcome
// has probability 2^-n. This one needs 8.
// Rejected. Normal or sub-Gaussian e-processes (the tails of times are neither); a stake tuned on the same data as it
// goes (its first ten blocks are spent on tuning, and ten blocks decide a 3 % gain); a redescending score, deaf to
// outliers (valid for one-sided nulls only where the noise is unimodal).
// Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024); Ramdas et al.,
// "Game-theoretic statistics and safe anytime-valid inference" (2023).
#pragma once

#include <array>
#include <optional>
#include <vector>

namespace thresher::measure {

/// Robust standard deviation of the log-ratios so far, around their own median: a large effect is not noise.
class NoiseScale {
 public:
  /// What a block before any other is expected to scatter by: two imagined blocks, soon outvoted.
  static constexpr double kPrior = 0.01;
  /// No clock tells two log times apart that are closer, and equal times must not divide by zero.
  static constexpr double kLeast = 1e-4;

  void add(double log_ratio);
  [[nodiscard]] double value() const;

 private:
  std::vector<double> sorted_;
};

/// The null hypothesis that an e-process gathers evidence against.
enum class Null { effect_at_most, effect_at_least };

/// Evidence against "log effect <= theta" (or ">= theta"): reject when value() ever reached 1 / alpha.
class EProcess {
 public:
  /// Throws Error(invalid_argument) when theta is not finite.
  EProcess(Null null, double theta);

  /// `scale` must be known before the block is measured: NoiseScale::value() of the earlier blocks only. Looking at
  /// this block first would void the test. Throws Error(invalid_argument) for what is not finite, or a scale <= 0.
  void add(double log_ratio, double scale);

  /// Capped at 1e300, so that it can be stored and printed.
  [[nodiscard]] double value() const;
  /// The largest value so far: what counts for a rejection, whenever it was reached.
  [[nodiscard]] double peak() const;
  [[nodiscard]] bool ever_crossed(double level) const { return peak() >= level; }
  [[nodiscard]] int blocks() const { return blocks_; }

  /// Further blocks until `level` if wealth grows as that of the best bet did on average so far; nothing when none
  /// grew. 0 when it was crossed already.
  [[nodiscard]] std::optional<int> blocks_until(double level) const;

 private:
  static constexpr std::size_t kNumBets = 4;

  double direction_;
  double theta_;
  int blocks_ = 0;
  double log_peak_ = 0.0;
  double log_value_ = 0.0;
  std::array<double, kNumBets> log_wealth_{};
};

}  // namespace thresher::measure
