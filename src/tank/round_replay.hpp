// A round judged again from its ledger, without a device: under its own rules to prove its verdicts, under others to
// see what they would have changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tank/round_assembly.hpp"

namespace thresher::tank {

struct ReplayedPitch {
  std::string pitch;
  std::optional<Verdict> recorded;  // nothing: it was not measured
  std::optional<Verdict> replayed;
  std::string reason;     // of the replayed verdict
  int recorded_rank = 0;  // 0: not heard by the panel
  int replayed_rank = 0;
  double total = 0.0;  // of the panel, under the replay's rules
  bool recorded_funded = false;
  bool replayed_funded = false;
};

struct Replay {
  std::string rules;  // name
  bool same_rules = true;
  double noise_floor = 0.0;
  std::vector<ReplayedPitch> pitches;  // by id

  /// True when every verdict came out as recorded.
  [[nodiscard]] bool reproduces() const;
};

/// Throws Error(parse) for a ledger without a finished round.
Replay replay_round(const RoundDefinition& definition, const Rules& recorded_rules, const Rules& rules,
                    const std::vector<catalog::Case>& catalog, const Ledger& ledger);

}  // namespace thresher::tank
