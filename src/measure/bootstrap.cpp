// The resampling loop of the studentised bootstrap.
#include "measure/bootstrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "format/random.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

// Below 6 values one resample in a hundred has next to no spread, and t* has no tail to speak of.
constexpr std::size_t kLeastValues = 6;
// 999 + 1 is divisible by the usual tails, so that quantiles fall on order statistics.
constexpr int kNumResamples = 999;
constexpr std::uint64_t kSeed = 0x7468726573686572ull;

// Of a mean, from the sum of n values and the sum of their squares; both about a mean near zero, so nothing cancels.
double standard_error(double sum, double squares, double n) {
  return std::sqrt(std::max(0.0, squares - sum * sum / n) / (n * (n - 1.0)));
}

}  // namespace

std::optional<Interval> bootstrap_mean_interval(std::span<const double> values, double confidence) {
  if (!(confidence > 0.0 && confidence <= 0.99)) {
    throw Error(ErrorCode::invalid_argument, fmt::format("a confidence must lie in (0, 0.99], not at {}", confidence));
  }
  for (const double value : values) {
    if (std::isfinite(value)) continue;
    throw Error(ErrorCode::invalid_argument, fmt::format("a value is {}; leave failed blocks out", value));
  }
  if (values.size() < kLeastValues) return std::nullopt;
  const double count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  std::vector<double> centered;
  double squares = 0.0;
  for (const double value : values) {
    centered.push_back(value - mean);
    squares += centered.back() * centered.back();
  }
  const double error = standard_error(0.0, squares, count);
  if (error == 0.0) return Interval{mean, mean};

  Random random(kSeed);
  std::vector<double> deviations(kNumResamples);
  for (double& deviation : deviations) {
    double sum = 0.0;
    double sum_of_squares = 0.0;
    for (std::size_t draw = 0; draw < centered.size(); ++draw) {
      const double value = centered[random.below(centered.size())];
      sum += value;
      sum_of_squares += value * value;
    }
    // A resample of equal values has no error; it belongs to the end of the tail, wherever that is.
    deviation = sum / count / std::max(standard_error(sum, sum_of_squares, count), 1e-3 * error);
  }
  std::sort(deviations.begin(), deviations.end());
  const double tail = (kNumResamples + 1) * (1.0 - confidence) / 2.0;
  const std::size_t rank = static_cast<std::size_t>(tail + 1e-9);
  const double low = deviations[rank - 1];
  const double high = deviations[deviations.size() - rank];
  return Interval{mean - high * error, mean - low * error};
}

}  // namespace thresher::measure
