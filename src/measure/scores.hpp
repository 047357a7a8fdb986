// Proper scores of forecasts: nobody gains by forecasting anything but what they believe. Lower is better.
#pragma once

#include "measure/statistics.hpp"

namespace thresher::measure {

/// (probability - outcome)^2: 0 is perfect, 0.25 is "no idea". Throws Error(invalid_argument) outside [0, 1].
double brier_score(double probability, bool happened);

/// Width plus 2 / (1 - confidence) times the distance by which the interval missed (Gneiting and Raftery 2007, eq. 43).
/// Throws Error(invalid_argument) for low > high, what is not finite, or a confidence outside (0, 1).
double interval_score(const Interval& forecast, double truth, double confidence);

}  // namespace thresher::measure
