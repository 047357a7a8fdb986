// From the ledger to the record of a round.
#include "tank/round_assembly.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tank/champion_seat.hpp"
#include "tank/event_json.hpp"
#include "tank/forecasts.hpp"
#include "tank/round_opening.hpp"
#include "tank/trial.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

// The pitches as they were when the round was started: files may have changed since.
std::vector<PitchRecord> read_pitches(const RoundDefinition& definition, const Ledger& ledger) {
  std::vector<PitchRecord> pitches;
  for (const Event& event : ledger.events("pitch")) {
    const auto text = ledger.content(event.data.at("content").get<std::string>());
    if (!text) {
      throw Error(ErrorCode::parse, fmt::format("the ledger of {} lacks the text of pitch {}: the file is damaged; "
                                                "restore it from a copy",
                                                definition.name, event.subject));
    }
    pitches.push_back(pitch_record_from(
        parse_pitch(*text, event.subject, definition.folder / "pitches", event.subject + ".toml"), event.data));
  }
  std::sort(pitches.begin(), pitches.end(),
            [](const PitchRecord& a, const PitchRecord& b) { return a.pitch.id < b.pitch.id; });
  return pitches;
}

void read_trials(const Ledger& ledger, std::vector<PitchRecord>& pitches) {
  for (PitchRecord& record : pitches) {
    for (const Event& event : ledger.events("gate"))
      if (event.subject.starts_with(record.pitch.id + "/")) record.gates.push_back(gate_from(event.data));
    if (const auto event = ledger.find("verdict", record.pitch.id)) record.outcome = outcome_from(event->data);
    if (const auto event = ledger.find("lesson", record.pitch.id)) record.lesson = lesson_from(event->data);
  }
}

std::optional<NoiseFloor> read_noise_floor(const Ledger& ledger) {
  const std::optional<Event> event = ledger.find("noise_floor", "round");
  if (!event) return std::nullopt;
  return NoiseFloor{.log_bound = event->data.at("log_bound").get<double>(),
                    .blocks = event->data.at("blocks").get<int>(),
                    .spread = event->data.at("spread").get<double>(),
                    .cases = event->data.at("cases").get<std::vector<std::string>>()};
}

// The confirmed races that made the champion, in order: each against what the one before left.
std::vector<const Outcome*> seat_races(const RoundRecord& record) {
  std::vector<const Outcome*> races;
  for (const ChampionChange& change : record.champion)
    for (const PitchRecord& pitch : record.pitches)
      if (pitch.pitch.id == change.pitch && pitch.outcome) races.push_back(&*pitch.outcome);
  return races;
}

const CaseResult* result_of(const Outcome& outcome, const std::string& case_name) {
  for (const CaseResult& one : outcome.cases)
    if (one.case_name == case_name) return &one;
  return nullptr;
}

// NOTE: a baseline from one race beside a champion from another would show what the machine did in between. Both come
// from the first race for the seat, and later winners multiply by their own paired ratios.
void fill_from_races(const std::vector<const Outcome*>& races, BaselineRow& row) {
  if (races.empty()) return;
  const CaseResult* first = result_of(*races.front(), row.one.name);
  if (first == nullptr) return;
  row.baseline_seconds = first->before_seconds;
  double seconds = first->before_seconds;
  for (const Outcome* race : races)
    if (const CaseResult* one = result_of(*race, row.one.name)) seconds /= one->speed_up;
  row.champion_seconds = seconds;
}

// Seconds of the baseline on a case: from the first race against it, else the one counted call. Once there is a
// champion, races are against that.
std::optional<double> baseline_seconds(const CaseFacts& facts, const Ledger& ledger) {
  const std::vector<Event> champions = ledger.events("champion");
  for (const Event& end : ledger.events("race_end")) {
    if (!champions.empty() && end.id > champions.front().id) break;
    const auto names = end.data.at("cases").get<std::vector<std::string>>();
    if (std::find(names.begin(), names.end(), facts.one.name) == names.end()) continue;
    for (const CaseTimes& times : read_race(ledger, end.subject, names).times)
      if (times.case_name == facts.one.name) return times.incumbent_seconds;
  }
  return facts.baseline_seconds;
}

void fill_table(RoundRecord& record, const Opening& opening, const Ledger& ledger) {
  const std::vector<const Outcome*> races = seat_races(record);
  for (const CaseFacts& facts : record.cases) {
    BaselineRow row;
    row.one = facts.one;
    row.baseline_seconds = baseline_seconds(facts, ledger);
    row.target_seconds = facts.floor_seconds;
    const catalog::Case& published = catalog::find_case(opening.published, facts.one.name);
    row.seed_baseline_us = published.seed_baseline_us;
    row.seed_target_us = published.target_us;
    fill_from_races(races, row);
    record.table.push_back(std::move(row));
  }
}

}  // namespace

RoundRecord assemble_record(const RoundDefinition& definition, const Rules& rules, const Ledger& ledger,
                            const Opening& opening) {
  RoundRecord record;
  record.definition = definition;
  record.rules = rules;
  record.device = read_device(ledger);
  const Event started = ledger.find("round", "definition").value();
  record.version = started.data.at("version").get<std::string>();
  record.started_at = started.at;
  if (const auto finish = ledger.find("finish", "round")) {
    record.finished_at = finish->at;
    record.measured_seconds = finish->data.at("seconds").get<double>();
    record.out_of_budget = finish->data.at("out_of_budget").get<bool>();
  }
  record.history = opening.history.lessons;
  record.earlier = opening.history.rounds;
  record.cases = opening.facts;
  record.pitches = read_pitches(definition, ledger);
  if (ledger.find("funding", "round")) {
    score_panel(ledger, opening, record.device, record.pitches);
    read_funding(ledger, record.pitches);
  }
  record.noise_floor = read_noise_floor(ledger);
  read_trials(ledger, record.pitches);
  record.champion = champion_changes(ledger);
  record.champion_config = record.champion.empty() ? definition.baseline : record.champion.back().after;
  if (const auto in_force = ledger.find("in_force", "round"))
    record.in_force_reason = in_force->data.at("reason").get<std::string>();
  fill_table(record, opening, ledger);
  const ForecastReport forecasts = score_forecasts(record.pitches, opening.records, opening.history.forecasts);
  record.forecasts = forecasts.records;
  record.regret = forecasts.regret;
  record.random_regret = forecasts.random_regret;
  record.samples = ledger.sample_count();
  return record;
}

RoundRecord read_record(const RoundDefinition& definition, const Rules& rules,
                        const std::vector<catalog::Case>& catalog, const Ledger& ledger) {
  Opening opening = open_round(definition, rules, catalog);
  read_baseline(ledger, opening);
  return assemble_record(definition, rules, ledger, opening);
}

RoundRecord recorded_record(const RoundDefinition& definition) {
  RoundRecord record;
  record.definition = definition;
  record.champion_config = definition.baseline;
  PitchRecord pitch;
  pitch.pitch = definition.recorded->pitch;
  pitch.admitted = true;
  pitch.funded = true;
  pitch.rank = 1;
  pitch.outcome = definition.recorded->outcome;
  if (!definition.recorded->lessons.empty()) pitch.lesson = definition.recorded->lessons.front();
  record.pitches.push_back(std::move(pitch));
  return record;
}

}  // namespace thresher::tank
