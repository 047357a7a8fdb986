// From the ledger to the record of a round: the only way in which reports and replays see it.
#pragma once

#include "tank/round_admission.hpp"
#include "tank/round_record.hpp"

namespace thresher::tank {

/// The record of a round that was run, whole or in part, under `rules` (its own, or others for a replay).
RoundRecord assemble_record(const RoundDefinition& definition, const Rules& rules, const Ledger& ledger,
                            const Opening& opening);

/// The same for a folder, with everything read.
RoundRecord read_record(const RoundDefinition& definition, const Rules& rules,
                        const std::vector<catalog::Case>& catalog, const Ledger& ledger);

/// The record of a round that happened elsewhere: what its file says, and nothing measured.
RoundRecord recorded_record(const RoundDefinition& definition);

}  // namespace thresher::tank
