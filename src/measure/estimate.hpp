// How large an effect is: the Hodges-Lehmann estimate with its signed-rank interval, and the mean with a bootstrap's.
//
// Background. Two questions are asked of a race. "What is the candidate's typical gain?" must not depend on whom an
// interrupt hit. "What does it gain on average?" must, or a candidate that is usually 3 % faster and sometimes takes
// twice as long would look good. The order coin makes the log-ratios symmetric about the effect, where both meet,
// unless the two sides have different tails.
// Approach. Typical: the median of the means of all pairs of blocks, and the interval of those same means that the
// exact signed-rank distribution gives: it asks for symmetry only, as the e-process does. Average: mean and
// studentised bootstrap (bootstrap.hpp). Both are widened for autocorrelation: the coin makes blocks uncorrelated as
// long as the effect itself is constant, but an effect may come and go with the clock, and few blocks can't tell.
// Measured at nominal 95 % with 8, 12, 20, 40 blocks of normal, exponential, log-normal and AR(1) 0.3 noise, 20,000
// races each (tests/measure/coverage_test.cpp runs fewer): the signed rank covers 95.3 to 97.9 % of pseudo-medians,
// the bootstrap 94.5 to 97.5 % of means. The former is 7 % the narrower for 8 normal blocks, 16 % for 40 with outliers.
// Rejected. Student's t (see bootstrap.hpp; 18 % wider than the signed-rank interval in those 40 blocks); the median's
// binomial interval of statistics.hpp (a quarter wider for normal noise: right for raw times, wasteful here).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "measure/paired.hpp"
#include "measure/statistics.hpp"

namespace thresher::measure {

/// Median of (x_i + x_j) / 2 over i <= j. Nothing without values; throws Error(invalid_argument) for a NaN.
std::optional<double> hodges_lehmann(std::span<const double> values);

/// Holds the centre of symmetry with at least this probability for independent values; nothing when n is too small to
/// promise it (below 6 for 0.95).
std::optional<Interval> signed_rank_interval(std::span<const double> values, double confidence = 0.95);

/// Factor >= 1 for the width of an interval that assumed independence; falls towards 1 as uncorrelated values add up.
double autocorrelation_widening(std::span<const double> values);

/// An effect on the log scale, positive where the candidate is faster.
struct Estimate {
  double log_effect = 0.0;  // typical: Hodges-Lehmann
  Interval interval;
  double mean_log_effect = 0.0;
  Interval mean_interval;
  int blocks = 0;
};

/// Nothing when there are too few blocks for either interval (below 6 at 0.95).
std::optional<Estimate> estimate(std::span<const double> log_ratios, double confidence = 0.95);

/// One entry a case, in the order of the race.
std::vector<std::optional<Estimate>> case_estimates(const RaceData& race, double confidence = 0.95);

std::optional<Estimate> geomean_estimate(const RaceData& race, double confidence = 0.95);

/// From a race of two separately loaded copies of one kernel: the bias that this machine may show where there is no
/// effect, max(|low|, |high|) of the geometric mean's interval. Nothing when there are too few blocks.
std::optional<double> noise_floor(const RaceData& same_kernel_twice, double confidence = 0.95);

}  // namespace thresher::measure
