// The autopilot: a contestant that writes its own pitches, races out the losers and lets the best face the default.
//
// Background. A space of thousands of configs can't be measured in minutes, most of them lose by far, and the fastest
// of many noisy times is mostly luck. Approach. Every config gets one paired block against the default; those that lose
// clearly are out, a random forest chooses what to try next, and the few best get more blocks. Only then a full race
// with the round's own test, on new inputs, says WIN, SAME or AMBIGUOUS: the search proposes, it does not decide.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "measure/executor.hpp"
#include "measure/judge.hpp"
#include "tank/ledger.hpp"
#include "tank/observer.hpp"
#include "tank/search_space.hpp"
#include "tank/verdict.hpp"

namespace thresher::tank {

struct TuneRequest {
  std::vector<catalog::Case> cases;
  CpuConfig default_config;  // in force now, resolved or automatic
  double budget_seconds = 300.0;
  std::uint64_t seed = 1;
  measure::DecisionRule rule;
};

/// One config that was tried.
struct Trial {
  Point point;
  CpuConfig config;
  std::vector<double> log_effects;  // geometric mean over the cases, one a block; positive: faster than the default
  std::optional<measure::Failure> failure;

  [[nodiscard]] std::optional<double> effect() const;  // their median
};

enum class TuneEnd { beaten, tied, undecided, not_beaten };

const char* to_string(TuneEnd end) noexcept;

struct TuneResult {
  TuneEnd end = TuneEnd::not_beaten;
  CpuConfig best;                  // the default's unless it was beaten
  std::optional<Outcome> outcome;  // of the deciding race
  std::vector<Trial> trials;       // best first
  std::size_t space = 0;           // configs that could be tried; 0: too many to count
  bool exhaustive = false;
  bool interrupted = false;
  std::string why;  // one sentence with the figures
};

/// Bounded by the budget. Everything measured is in the ledger; a ledger that holds an earlier, interrupted search of
/// the same request goes on. `interrupted` is asked between calls: then what was measured is returned.
TuneResult tune(const TuneRequest& request, const SearchSpace& space, measure::Executor& executor, Ledger& ledger,
                Observer& observer, const std::function<bool()>& interrupted);

}  // namespace thresher::tank
