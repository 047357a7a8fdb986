// Figures as words, the same everywhere in a report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tank/round_record.hpp"

namespace thresher::report {

/// "18.833 us", "373 us", "931 ms": a unit that leaves three to five digits.
std::string duration(double seconds);
std::string duration(const std::optional<double>& seconds);

/// "19.8x"
std::string factor(double value);

/// "+3.1 %" of a ratio 1.031.
std::string percent_change(double ratio);

/// "+3.1 % [+2.0, +4.2]", without the brackets where there is no interval.
std::string effect(const std::optional<double>& ratio, const std::optional<double>& low,
                   const std::optional<double>& high);

/// What became of a pitch: a verdict, "refused" or "not funded".
std::string status(const tank::PitchRecord& pitch);

/// "block_k=1024", or the library's file name.
std::string change_text(const tank::Pitch& pitch);

/// "panels_ahead increases", "panels_ahead at_least 100 on g8-k7168".
std::string claim_text(const tank::ObservableClaim& claim);

std::string joined(const std::vector<std::string>& parts);

}  // namespace thresher::report
