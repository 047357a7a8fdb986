// A round judged again from its ledger, without a device.
#include "tank/round_replay.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "measure/estimate.hpp"
#include "tank/event_json.hpp"
#include "tank/round_opening.hpp"
#include "tank/trial.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

std::optional<Outcome> race_outcome(const Ledger& ledger, const std::string& pitch, const char* step,
                                    double noise_floor, const measure::DecisionRule& rule) {
  const std::string name = pitch + "/" + step;
  const std::optional<Event> end = ledger.find("race_end", name);
  if (!end) return std::nullopt;
  const RaceResult race = read_race(ledger, name, end->data.at("cases").get<std::vector<std::string>>());
  return outcome_of(pitch, step, race, noise_floor, rule);
}

// The same path through the gates that the runner took, each race judged anew.
Outcome replay_pitch(const Ledger& ledger, const PitchRecord& record, double noise_floor,
                     const measure::DecisionRule& rule) {
  const std::string& id = record.pitch.id;
  const std::optional<Outcome> short_race = race_outcome(ledger, id, "short_race", noise_floor, rule);
  // Stopped before the first race, or without any: there is nothing to judge anew.
  if (!short_race) return *record.outcome;
  if (!may_still_win(*short_race, noise_floor, rule)) return *short_race;
  const std::optional<Outcome> full = race_outcome(ledger, id, "full_race", noise_floor, rule);
  if (!full) {
    Outcome unmeasured = record.outcome->stopped_at == "full_race" ? *record.outcome : *short_race;
    unmeasured.verdict = record.outcome->stopped_at == "full_race" ? record.outcome->verdict : Verdict::ambiguous;
    return unmeasured;
  }
  if (full->verdict != Verdict::win) return *full;
  const std::optional<Outcome> confirmed = race_outcome(ledger, id, "confirmation", noise_floor, rule);
  if (confirmed) return *confirmed;
  if (record.outcome->stopped_at == "confirmation") return *record.outcome;
  Outcome unconfirmed = *full;
  unconfirmed.verdict = Verdict::ambiguous;
  unconfirmed.reason = "would have won its race, and was never confirmed: " + full->reason;
  return unconfirmed;
}

double replayed_noise_floor(const Ledger& ledger, const Rules& rules) {
  const std::optional<Event> end = ledger.find("race_end", "noise-floor");
  if (!end)
    throw Error(ErrorCode::parse, "the ledger has no noise floor: the round was stopped before it; run it first");
  const RaceResult race = read_race(ledger, "noise-floor", end->data.at("cases").get<std::vector<std::string>>());
  const std::optional<double> bound = measure::noise_floor(race.data, rules.decision.confidence);
  if (!bound) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} blocks of noise floor are too few for confidence {} of rules {}; use a lower one",
                            race.blocks(), rules.decision.confidence, rules.name));
  }
  return *bound;
}

void replay_panel(const RoundDefinition& definition, const Opening& opening, const Ledger& ledger,
                  std::vector<PitchRecord> pitches, Replay& replay) {
  const std::vector<PanelScore> scores = score_panel(ledger, opening, read_device(ledger), pitches);
  const std::vector<std::string> ranked = ranking(scores);
  const std::vector<std::string> funded = fund(scores, definition.budget.funded);
  for (ReplayedPitch& one : replay.pitches) {
    const auto place = std::find(ranked.begin(), ranked.end(), one.pitch);
    if (place == ranked.end()) continue;
    one.replayed_rank = static_cast<int>(place - ranked.begin()) + 1;
    one.replayed_funded = std::find(funded.begin(), funded.end(), one.pitch) != funded.end();
    for (const PanelScore& score : scores)
      if (score.pitch == one.pitch) one.total = score.total;
  }
}

}  // namespace

bool Replay::reproduces() const {
  return std::all_of(pitches.begin(), pitches.end(),
                     [](const ReplayedPitch& one) { return one.recorded == one.replayed; });
}

Replay replay_round(const RoundDefinition& definition, const Rules& recorded_rules, const Rules& rules,
                    const std::vector<catalog::Case>& catalog, const Ledger& ledger) {
  const RoundRecord record = read_record(definition, recorded_rules, catalog, ledger);
  if (record.finished_at.empty()) {
    throw Error(ErrorCode::parse,
                fmt::format("round {} is not finished, so there is no whole of it to judge again; go on "
                            "with 'thresher round run' first",
                            definition.name));
  }
  Replay replay;
  replay.rules = rules.name;
  replay.same_rules = rules.source_text == recorded_rules.source_text;
  replay.noise_floor = replayed_noise_floor(ledger, rules);
  for (const PitchRecord& pitch : record.pitches) {
    ReplayedPitch one;
    one.pitch = pitch.pitch.id;
    one.recorded_rank = pitch.rank;
    one.recorded_funded = pitch.funded;
    if (pitch.outcome) {
      const Outcome outcome = replay_pitch(ledger, pitch, replay.noise_floor, rules.decision);
      one.recorded = pitch.outcome->verdict;
      one.replayed = outcome.verdict;
      one.reason = outcome.reason;
    }
    replay.pitches.push_back(std::move(one));
  }
  Opening opening = open_round(definition, rules, catalog);
  read_baseline(ledger, opening);
  replay_panel(definition, opening, ledger, record.pitches, replay);
  return replay;
}

}  // namespace thresher::tank
