// The door of a round: which pitches are heard, what is known about them, and what the panel says.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "measure/executor.hpp"
#include "tank/ledger.hpp"
#include "tank/observer.hpp"
#include "tank/panel.hpp"
#include "tank/round_history.hpp"
#include "tank/round_record.hpp"

namespace thresher::tank {

/// What a round knows before its pitches are heard.
struct Opening {
  RoundDefinition definition;
  Rules rules;
  History history;
  std::vector<catalog::Case> cases;      // with the round's op, in its order
  std::vector<catalog::Case> by_cost;    // cheapest floor first
  std::vector<catalog::Case> published;  // as the catalog has them: with the targets of the op they were published for
  std::vector<CaseFacts> facts;          // in the order of `cases`
  std::vector<measure::CaseObservables> baseline;
  std::vector<TrackRecord> records;
};

/// How many of the cheapest cases are run once to count what happens; on the others only compiled facts are known.
/// NOTE: counts come from the same code on every case, and the long cases take most of a round's seconds.
inline constexpr std::size_t kCountedCases = 2;

/// The pitch's change on top of a config.
measure::Candidate candidate_of(const Pitch& pitch, const CpuConfig& base);

/// Facts of a candidate on every case; measured ones on the kCountedCases cheapest.
std::vector<measure::CaseObservables> observe_cases(measure::Executor& executor, const Opening& opening,
                                                    const measure::Candidate& candidate, Observer& observer);

/// Asks the round's external contestants for their pitches, once each: an answer and a failure are both kept in the
/// ledger. Who hangs, crashes or talks rubbish has no pitch, and costs no more than its time limit.
std::vector<Pitch> ask_contestants(Ledger& ledger, const Opening& opening, const measure::DeviceFacts& device,
                                   Observer& observer);

/// Hears one pitch: its change must run, a repitch must name what an earlier round has, binding lessons must be
/// answered where the rules ask for it, and evidence is looked up. Recorded in the ledger together with the seal of its
/// predictions; a pitch that is there already is not heard again.
PitchRecord admit_pitch(measure::Executor& executor, Ledger& ledger, const Opening& opening, const Pitch& pitch,
                        Observer& observer);

/// The same from what the ledger holds of it.
PitchRecord pitch_record_from(const Pitch& pitch, const Json& data);

/// Asks every shark about every admitted pitch, scores, ranks, funds and draws the explored ones. All of it is recorded
/// before anything is raced.
void hold_panel(Ledger& ledger, const Opening& opening, const measure::DeviceFacts& device,
                std::vector<PitchRecord>& pitches, Observer& observer);

/// The same scores again from the assessments in the ledger, under whatever rules `opening` has. Fills `panel`.
std::vector<PanelScore> score_panel(const Ledger& ledger, const Opening& opening, const measure::DeviceFacts& device,
                                    std::vector<PitchRecord>& pitches);

/// Fills rank, funded and explored from the ledger. Throws std::bad_optional_access before the panel was held.
void read_funding(const Ledger& ledger, std::vector<PitchRecord>& pitches);

/// The hash that seals what a pitch promised.
std::string seal_of(const Pitch& pitch);

}  // namespace thresher::tank
