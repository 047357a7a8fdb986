// Order statistics and the exact binomial interval of the median.
#include "measure/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

std::vector<double> sorted(std::span<const double> samples) {
  std::vector<double> values(samples.begin(), samples.end());
  if (std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); })) {
    throw Error(ErrorCode::invalid_argument, "a sample is NaN among " + std::to_string(values.size()) +
                                                 "; drop failed measurements before asking for statistics");
  }
  std::sort(values.begin(), values.end());
  return values;
}

// NOTE: an infinite neighbour times a fraction of 0 would be NaN, so exact hits are returned as they are.
double between(double a, double b, double fraction) {
  return fraction == 0.0 || a == b ? a : a * (1.0 - fraction) + b * fraction;
}

double quantile_of_sorted(const std::vector<double>& values, double q) {
  const double position = q * static_cast<double>(values.size() - 1);
  const std::size_t below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return between(values[below], values[above], position - static_cast<double>(below));
}

// Largest l >= 1 with 2 * P(Binomial(n, 1/2) <= l - 1) <= 1 - confidence; 0 when there is none.
// Terms through logarithms: 2^-n alone underflows from n = 1075 on.
std::size_t rank_of_bound(std::size_t n, double confidence) {
  const double allowed = (1.0 - confidence) / 2.0;
  const double count = static_cast<double>(n);
  double below = 0.0;
  std::size_t rank = 0;
  for (std::size_t i = 0; 2 * i + 1 < n; ++i) {
    const double hits = static_cast<double>(i);
    below += std::exp(std::lgamma(count + 1.0) - std::lgamma(hits + 1.0) - std::lgamma(count - hits + 1.0) -
                      count * std::log(2.0));
    if (below > allowed) break;
    rank = i + 1;
  }
  return rank;
}

}  // namespace

std::optional<double> quantile(std::span<const double> samples, double q) {
  if (!(q >= 0.0 && q <= 1.0)) {
    throw Error(ErrorCode::invalid_argument, "a quantile must lie in [0, 1], not at " + std::to_string(q));
  }
  if (samples.empty()) return std::nullopt;
  return quantile_of_sorted(sorted(samples), q);
}

std::optional<double> median(std::span<const double> samples) {
  return quantile(samples, 0.5);
}

std::optional<double> median_absolute_deviation(std::span<const double> samples) {
  const std::optional<double> middle = median(samples);
  if (!middle) return std::nullopt;
  std::vector<double> deviations;
  deviations.reserve(samples.size());
  for (const double value : samples) {
    deviations.push_back(std::abs(value - *middle));
  }
  return median(deviations);
}

std::optional<Interval> median_interval(std::span<const double> samples, double confidence) {
  if (!(confidence > 0.0 && confidence < 1.0)) {
    throw Error(ErrorCode::invalid_argument, "a confidence must lie in (0, 1), not at " + std::to_string(confidence));
  }
  const std::vector<double> values = sorted(samples);
  const std::size_t rank = rank_of_bound(values.size(), confidence);
  if (rank == 0) return std::nullopt;
  return Interval{values[rank - 1], values[values.size() - rank]};
}

std::optional<double> relative_precision(std::span<const double> samples, double confidence) {
  const std::optional<Interval> interval = median_interval(samples, confidence);
  const std::optional<double> middle = median(samples);
  if (!interval || !middle || !(*middle > 0.0)) return std::nullopt;
  return (interval->high - interval->low) / (2.0 * *middle);
}

std::optional<double> relative_spread(std::span<const double> samples) {
  if (samples.size() < 2) return std::nullopt;
  const std::optional<double> middle = median(samples);
  const std::optional<double> deviation = median_absolute_deviation(samples);
  if (!middle || !deviation || !(*middle > 0.0)) return std::nullopt;
  // For normal samples the standard deviation is 1 / Phi^-1(3/4) = 1.4826 times the MAD.
  return 1.4826 * *deviation / *middle;
}

}  // namespace thresher::measure
