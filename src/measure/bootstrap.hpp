// Interval of a mean by the studentised bootstrap over blocks, for means of few, skewed or long-tailed values.
//
// Background. The unit that is drawn is a whole block (its samples resemble each other), never a sample.
// Approach. Each resample yields t* = (mean* - mean) / se*; the quantiles of t* replace those of Student's t, so a
// skew moves the interval to the side where the mean may be. Draws come from a fixed seed: the same race gives the
// same interval, to the bit. Autocorrelation is left to autocorrelation_widening() in estimate.hpp.
// Rejected: the percentile bootstrap (it lacks even Student's factor for a small n), and by simulated coverage at
// nominal 95 % with 8 to 40 blocks: Student's t (89 to 93 % for exponential noise, where this one has 94 to 95 %);
// runs of 2 consecutive blocks (89 to 94 % under autocorrelation 0.3, and 1.9 times as wide for 8 blocks, since only
// 4 runs remain).
// Source: Hall, "Theoretical comparison of bootstrap confidence intervals" (1988).
#pragma once

#include <optional>
#include <span>

#include "measure/statistics.hpp"

namespace thresher::measure {

/// Nothing below 6 values. Throws Error(invalid_argument) for values that are not finite, or a confidence outside
/// (0, 0.99]: beyond it, 999 resamples leave too few in a tail.
std::optional<Interval> bootstrap_mean_interval(std::span<const double> values, double confidence = 0.95);

}  // namespace thresher::measure
