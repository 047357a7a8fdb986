// Sealed forecasts against what was measured: who was right, by how much, and what their word weighs next time.
//
// Background. Judges who are never scored drift to whatever sounds good; the seed's were unanimous and wrong.
// Approach. Proper scores only (Brier for the verdict, the interval score for the size), because with them nobody gains
// by forecasting anything but what they believe. A pitch counts as soon as it has a verdict, funded or explored: with
// funded ones alone the panel's misses would never be seen.
// Rejected. Hit rates (a forecast of 51 % and one of 99 % would count alike) and correlation with the total (it rewards
// order, and no probability can be held to it).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tank/round_record.hpp"

namespace thresher::tank {

/// The measured speed-up of an outcome. Nothing without a race, or where the verdict says that the times mean nothing
/// (INVALID, IMPOSSIBLE, ERROR).
std::optional<double> measured_effect(const Outcome& outcome);

/// How a round's forecasts did.
struct ForecastReport {
  std::vector<ForecastRecord> records;  // sharks by name, contestants by name, then the panel
  std::optional<double> regret;         // as in RoundRecord
  std::optional<double> random_regret;
};

/// Scores every pitch that has an outcome. `in_force` are the weights that this round's panel used, `earlier` the
/// records of the rounds before it, which count on in the next weights.
ForecastReport score_forecasts(std::span<const PitchRecord> pitches, std::span<const TrackRecord> in_force,
                               std::span<const ForecastRecord> earlier);

/// The sharks' records over earlier rounds, by name: what weighs their votes in this one.
std::vector<TrackRecord> track_records(std::span<const ForecastRecord> earlier);

/// A contestant's record over earlier rounds, for Brief::contestant. Nothing when none of its predictions was scored.
std::optional<TrackRecord> contestant_record(std::span<const ForecastRecord> earlier, const std::string& contestant);

}  // namespace thresher::tank
