// Statistics of times: robust, free of assumptions about the distribution, and silent where there is no answer.
//
// Background. Times of a kernel are skewed to the right, with outliers that belong to the machine (interrupts, other
// tenants). A mean follows them, a minimum hides what a user will see; the median does neither.
// Approach. The interval of the median is made of order statistics: the number of samples below the median is binomial
// (n, 1/2) whatever the distribution, so [x(l), x(n+1-l)] covers it with a probability that is known exactly.
// Rejected. Intervals from a standard error (normal times), and the bootstrap (random, and optimistic for small n).
// The samples are taken as independent; slow drifts of a machine make the true interval wider.
#pragma once

#include <optional>
#include <span>

namespace thresher::measure {

/// Nothing without samples, as for all below. NaN samples are a caller's error and throw Error(invalid_argument).
std::optional<double> median(std::span<const double> samples);

/// Linear between the two nearest order statistics; q in [0, 1], else Error(invalid_argument).
std::optional<double> quantile(std::span<const double> samples, double q);

/// Median of |x - median|.
std::optional<double> median_absolute_deviation(std::span<const double> samples);

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

/// Interval that holds the true median with at least this probability; nothing when n is too small to promise it
/// (below 6 samples for 0.95).
std::optional<Interval> median_interval(std::span<const double> samples, double confidence = 0.95);

/// (high - low) / (2 * median) of that interval: "the median is known to +- this". Nothing when there is no interval or
/// the median is not > 0.
std::optional<double> relative_precision(std::span<const double> samples, double confidence = 0.95);

/// 1.4826 * MAD / median: the robust counterpart of a coefficient of variation. Nothing below 2 samples or when the
/// median is not > 0.
std::optional<double> relative_spread(std::span<const double> samples);

}  // namespace thresher::measure
