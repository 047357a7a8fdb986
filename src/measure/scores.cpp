// Brier score and interval score.
#include "measure/scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "thresher/error.hpp"

namespace thresher::measure {

double brier_score(double probability, bool happened) {
  if (!(probability >= 0.0 && probability <= 1.0)) {
    throw Error(ErrorCode::invalid_argument, fmt::format("a probability must lie in [0, 1], not at {}", probability));
  }
  const double miss = probability - (happened ? 1.0 : 0.0);
  return miss * miss;
}

double interval_score(const Interval& forecast, double truth, double confidence) {
  if (!(confidence > 0.0 && confidence < 1.0)) {
    throw Error(ErrorCode::invalid_argument, fmt::format("a confidence must lie in (0, 1), not at {}", confidence));
  }
  if (!std::isfinite(forecast.low) || !std::isfinite(forecast.high) || !std::isfinite(truth) ||
      forecast.low > forecast.high) {
    throw Error(ErrorCode::invalid_argument, fmt::format("can't score [{}, {}] against {}; give finite ends in order",
                                                         forecast.low, forecast.high, truth));
  }
  const double miss = std::max({0.0, forecast.low - truth, truth - forecast.high});
  return forecast.high - forecast.low + 2.0 / (1.0 - confidence) * miss;
}

}  // namespace thresher::measure
