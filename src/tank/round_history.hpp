// What earlier rounds left behind: lessons, and how well everybody's forecasts were met.
#pragma once

#include <string>
#include <vector>

#include "tank/ledger.hpp"
#include "tank/lesson.hpp"
#include "tank/round_definition.hpp"
#include "tank/round_record.hpp"

namespace thresher::tank {

struct History {
  std::vector<Lesson> lessons;            // oldest round first
  std::vector<RoundDefinition> rounds;    // the same order
  std::vector<std::string> pitches;       // "round/pitch" of every pitch that was heard
  std::vector<ForecastRecord> forecasts;  // one a round and participant
};

/// The file of a round's ledger.
std::filesystem::path ledger_file(const std::filesystem::path& round);

/// Reads the rounds that the definition names. Throws Error(io) for one that has not been run yet, naming the command.
History read_history(const RoundDefinition& definition);

}  // namespace thresher::tank
