// Runs a round from its folder to its verdicts, and goes on where an earlier run stopped.
#pragma once

#include <filesystem>
#include <optional>

#include "measure/executor.hpp"
#include "tank/ledger.hpp"
#include "tank/observer.hpp"
#include "tank/round_record.hpp"

namespace thresher::tank {

struct RunOptions {
  std::optional<double> budget_seconds;  // instead of the round's own
};

/// Reads all that a round needs and throws what is wrong with it, as run_round() would: before a machine is measured.
void check_round(const RoundDefinition& definition, const std::vector<catalog::Case>& catalog);

/// Runs what is missing. Every sample, gate and verdict is in the ledger when it exists; the champions file is written
/// last and whole. Throws Error for a round whose files changed since it was started, and what `observer` throws.
RoundRecord run_round(const RoundDefinition& definition, const std::vector<catalog::Case>& catalog,
                      measure::Executor& executor, Ledger& ledger, Observer& observer, const RunOptions& options = {});

/// Enters a recorded round into its ledger: its outcome and its lessons, marked as recorded.
RoundRecord enter_recorded_round(const RoundDefinition& definition, Ledger& ledger);

}  // namespace thresher::tank
