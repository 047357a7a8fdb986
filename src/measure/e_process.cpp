// The mixture of bets, kept in logarithms.
#include "measure/e_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

struct Bet {
  double sharpness;  // the effect in units of the noise for which this bet is best
  double stake;      // the part of the wealth at risk; an outlier costs a factor 1 - stake
  double weight;
};

// Found by simulation: 8 bets instead of 4 need as many blocks. Stakes of 0.98 gain nothing on a clear effect, and need
// 20 % more blocks for an effect of half the noise where outliers are frequent; stakes of 0.7 need 10 blocks for a
// clear effect instead of 8.
constexpr std::array<Bet, 4> kBets = {{{0.25, 0.9, 0.25}, {0.5, 0.9, 0.25}, {1.0, 0.9, 0.25}, {2.0, 0.9, 0.25}}};

// exp(690.7) = 1e300.
constexpr double kLogCap = 690.7;

double median_of_sorted(const std::vector<double>& values) {
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

}  // namespace

void NoiseScale::add(double log_ratio) {
  if (!std::isfinite(log_ratio)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a block's log-ratio is {}; leave failed blocks out of the race", log_ratio));
  }
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), log_ratio), log_ratio);
}

double NoiseScale::value() const {
  if (sorted_.empty()) return kPrior;
  // For normal noise the standard deviation is 1.4826 times the median absolute deviation.
  constexpr double kSdOfDeviation = 1.4826;
  const double center = median_of_sorted(sorted_);
  std::vector<double> deviations = {kPrior / kSdOfDeviation, kPrior / kSdOfDeviation};
  for (const double value : sorted_) {
    deviations.push_back(std::abs(value - center));
  }
  const auto middle = deviations.begin() + static_cast<std::ptrdiff_t>(deviations.size() / 2);
  std::nth_element(deviations.begin(), middle, deviations.end());
  return std::max(kLeast, kSdOfDeviation * *middle);
}

EProcess::EProcess(Null null, double theta) : direction_(null == Null::effect_at_most ? 1.0 : -1.0), theta_(theta) {
  static_assert(kBets.size() == kNumBets);
  if (!std::isfinite(theta)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("theta = {} is no effect to test against; give a finite log-ratio", theta));
  }
  for (std::size_t j = 0; j < kNumBets; ++j) {
    log_wealth_[j] = std::log(kBets[j].weight);
  }
}

void EProcess::add(double log_ratio, double scale) {
  if (!std::isfinite(log_ratio) || !std::isfinite(scale) || !(scale > 0.0)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a block with log-ratio {} and scale {} can't be judged; leave failed blocks out and give "
                            "the NoiseScale of the earlier blocks",
                            log_ratio, scale));
  }
  const double distance = direction_ * (log_ratio - theta_) / scale;
  for (std::size_t j = 0; j < kNumBets; ++j) {
    log_wealth_[j] += std::log1p(kBets[j].stake * std::tanh(kBets[j].sharpness * distance));
  }
  const double most = *std::max_element(log_wealth_.begin(), log_wealth_.end());
  double sum = 0.0;
  for (const double wealth : log_wealth_) {
    sum += std::exp(wealth - most);
  }
  log_value_ = most + std::log(sum);
  log_peak_ = std::max(log_peak_, log_value_);
  ++blocks_;
}

double EProcess::value() const {
  return std::exp(std::min(log_value_, kLogCap));
}

double EProcess::peak() const {
  return std::exp(std::min(log_peak_, kLogCap));
}

std::optional<int> EProcess::blocks_until(double level) const {
  if (!(level > 0.0) || !std::isfinite(level)) {
    throw Error(ErrorCode::invalid_argument, fmt::format("level {} can't be reached; give 1 / alpha", level));
  }
  if (ever_crossed(level)) return 0;
  // Beyond this a projection says "not with this effect".
  constexpr double kFarthest = 100000.0;
  double fastest = 0.0;
  for (std::size_t j = 0; j < kNumBets; ++j) {
    fastest = std::max(fastest, log_wealth_[j] - std::log(kBets[j].weight));
  }
  if (blocks_ == 0 || fastest <= 0.0) return std::nullopt;
  const double fewest = (std::log(level) - log_value_) * blocks_ / fastest;
  if (fewest >= kFarthest) return std::nullopt;
  return std::max(1, static_cast<int>(std::ceil(fewest)));
}

}  // namespace thresher::measure
