// The opening of a round: files checked against the ledger, history read, the baseline observed.
#pragma once

#include "tank/round_admission.hpp"

namespace thresher::tank {

/// Reads rules, history and cases. Throws Error(invalid_argument) when the rules want a history and there is none, or
/// when two cases of the round are the same.
Opening open_round(const RoundDefinition& definition, const Rules& rules, const std::vector<catalog::Case>& catalog);

/// Enters what the round consists of, or checks that it is what was entered: content of round.toml, rules and pitches,
/// machine and program version. Throws Error(invalid_argument) naming what changed.
void enter_definition(Ledger& ledger, const Opening& opening, const std::vector<Pitch>& pitches,
                      const measure::DeviceFacts& device, double budget_seconds);

/// Facts of the device and of the baseline on every case: measured once, read from the ledger afterwards.
measure::DeviceFacts enter_device(Ledger& ledger, const measure::Executor& executor);
void observe_baseline(Ledger& ledger, Opening& opening, measure::Executor& executor, Observer& observer);

/// The same from the ledger alone.
measure::DeviceFacts read_device(const Ledger& ledger);
void read_baseline(const Ledger& ledger, Opening& opening);

}  // namespace thresher::tank
