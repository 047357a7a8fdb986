// Runs a race block by block into the ledger, or reads one back: both give the same data to judge.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "measure/executor.hpp"
#include "measure/paired.hpp"
#include "tank/ledger.hpp"
#include "tank/observer.hpp"

namespace thresher::tank {

/// What one race is called in the ledger: "<pitch>/<step>", e.g. "tile-size/full_race".
struct RacePlan {
  std::string name;
  measure::Candidate incumbent;
  measure::Candidate candidate;
  std::vector<catalog::Case> cases;
  int max_blocks = 0;
  double max_seconds = 0.0;  // looked at between blocks; at least `min_blocks` are run whatever they cost
  int min_blocks = 0;
  std::function<bool(const measure::RaceData&)> decided;  // looked at after every block; true ends the race
};

struct CaseTimes {
  std::string case_name;
  double incumbent_seconds = 0.0;  // median over the calls of all complete blocks
  double candidate_seconds = 0.0;
};

struct RaceResult {
  measure::RaceData data;        // complete blocks only
  std::vector<CaseTimes> times;  // empty without a complete block
  std::optional<measure::Failure> failure;
  measure::Side failed_side = measure::Side::candidate;
  bool out_of_time = false;

  [[nodiscard]] int blocks() const { return data.blocks(); }
};

/// A seed that nobody could know beforehand, drawn from the operating system once and kept in the ledger, so that a
/// round that goes on uses the same.
std::uint64_t fresh_seed(Ledger& ledger, const std::string& subject);

/// Goes on where the ledger stops: complete blocks count, a block that was broken off is run again as a new attempt.
RaceResult run_race(measure::Executor& executor, Ledger& ledger, const RacePlan& plan, Observer& observer);

/// The same result from the samples alone. `cases` in the order of the race.
RaceResult read_race(const Ledger& ledger, const std::string& name, const std::vector<std::string>& cases);

}  // namespace thresher::tank
