// A pitch's way through the gates of its test plan, cheapest first, to the first failure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measure/executor.hpp"
#include "measure/judge.hpp"
#include "tank/ledger.hpp"
#include "tank/observer.hpp"
#include "tank/pitch.hpp"
#include "tank/race_runner.hpp"
#include "tank/round_record.hpp"
#include "tank/rules.hpp"
#include "tank/verdict.hpp"

namespace thresher::tank {

/// What all trials of a round share.
struct TrialSetting {
  measure::Executor* executor = nullptr;
  Ledger* ledger = nullptr;
  Observer* observer = nullptr;
  const Rules* rules = nullptr;
  std::vector<catalog::Case> cases;    // of the round, with its op
  std::vector<catalog::Case> by_cost;  // the same, cheapest floor first
  std::vector<measure::CaseObservables> baseline;
  double noise_floor = 0.0;
};

/// One pitch on top of a config: the seat it would take.
struct Contender {
  std::string pitch;
  measure::Candidate incumbent;
  measure::Candidate candidate;
  std::vector<measure::CaseObservables> observables;  // of the candidate
};

/// How a race is run: what it is called, where, and how long at most.
struct RaceTerms {
  std::string step;  // short_race, full_race, confirmation, in_force
  std::vector<catalog::Case> cases;
  int max_blocks = 0;
  double max_seconds = 0.0;
  // A short race: once it has so many blocks, it ends as soon as the full race may be won. One that can hardly be won
  // goes on until it is decided: "slower" is a lesson that binds, "not decided" is none.
  std::optional<int> short_blocks = std::nullopt;
};

/// The steps of a plan in the order in which they run; the gates that every pitch must pass are added where missing.
std::vector<TestStep> gates_of(const Pitch& pitch);

/// Gates up to the short race. Each is in the ledger when it returns; those that are there already are not run again.
/// The outcome is there when one of them decided.
struct CheapTrial {
  std::vector<GateRecord> gates;
  std::optional<Outcome> outcome;
  std::optional<double> promise;  // log effect of the short race: what orders the full races
};
CheapTrial run_cheap_gates(const TrialSetting& setting, const Pitch& pitch, const Contender& contender,
                           double max_seconds);

/// A race and its outcome, as gate `terms.step` of the pitch.
struct RacedOutcome {
  GateRecord gate;
  Outcome outcome;
};
RacedOutcome run_race_gate(const TrialSetting& setting, const Contender& contender, const RaceTerms& terms);

/// False when a short race has shown that the full one can hardly be won.
bool may_still_win(const Outcome& outcome, double noise_floor, const measure::DecisionRule& rule);

/// A candidate that failed at a step: INVALID, IMPOSSIBLE or ERROR.
Outcome failed_outcome(const std::string& pitch, const std::string& step, const measure::Failure& failure);

/// The outcome that a race's data gives under rules: pure, so that replay can ask again.
Outcome outcome_of(const std::string& pitch, const std::string& step, const RaceResult& race, double noise_floor,
                   const measure::DecisionRule& rule);

}  // namespace thresher::tank
