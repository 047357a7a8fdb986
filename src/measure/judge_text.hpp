// The sentence with which a standing is told.
#pragma once

#include <string>

#include "measure/judge.hpp"

namespace thresher::measure {

/// One sentence that holds the ruling, the effect with its interval, the bar, and what is missing or decided it.
std::string describe(const Standing& standing, const DecisionRule& rule);

}  // namespace thresher::measure
