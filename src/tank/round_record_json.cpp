// A round's record as JSON: what verdicts.json holds. docs/tank.md describes it.
//
// NOTE: keys come in one order, nothing is left out, and a number that does not exist is null: two files can be
// compared line by line. Paths are given by their last part, so that a file says nothing about the machine that wrote
// it.
#include "tank/event_json.hpp"
#include "tank/or_null.hpp"
#include "tank/round_record.hpp"

namespace thresher::tank {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

// Every element through `convert`, in order.
template <class Range, class Convert>
Json list(const Range& range, Convert convert) {
  Json array = Json::array();
  for (const auto& one : range) {
    array.push_back(convert(one));
  }
  return array;
}

Json claim_json(const std::optional<ObservableClaim>& claim) {
  if (!claim) return nullptr;
  return {{"observable", claim->observable},
          {"relation", to_string(claim->relation)},
          {"value", or_null(claim->value)},
          {"case", or_null(claim->case_name)}};
}

Json check_json(const ClaimCheck& check) {
  return {{"holds", check.holds}, {"finding", check.finding}};
}

Json answer_check_json(const AnswerCheck& check) {
  return {{"lesson", check.lesson}, {"accepted", check.accepted}, {"reason", check.reason}};
}

Json pitch_json(const Pitch& pitch) {
  const auto evidence = [](const EvidenceItem& one) {
    return Json{{"kind", to_string(one.kind)},
                {"criterion", one.criterion},
                {"text", one.text},
                {"claim", claim_json(one.claim)}};
  };
  const auto step = [](const TestStep& one) {
    return Json{{"step", to_string(one.kind)}, {"cases", one.cases}, {"claim", claim_json(one.claim)}};
  };
  return {{"id", pitch.id},
          {"contestant", pitch.contestant},
          {"kind", to_string(pitch.kind)},
          {"earlier", text_or_null(pitch.earlier)},
          {"category", to_string(pitch.category)},
          {"title", pitch.title},
          {"summary", pitch.summary},
          {"mechanism", pitch.mechanism},
          {"mechanism_observable", claim_json(pitch.mechanism_observable)},
          {"config", pitch.change.library ? Json(nullptr) : Json(pitch.change.patch.to_text())},
          {"library", pitch.change.library ? Json(pitch.change.library->filename().string()) : Json(nullptr)},
          {"predictions", list(pitch.predictions,
                               [](const Prediction& one) {
                                 return Json{{"case", one.case_name}, {"low", one.low}, {"high", one.high}};
                               })},
          {"evidence", list(pitch.evidence, evidence)},
          {"risks", list(pitch.risks,
                         [](const Risk& one) {
                           return Json{{"text", one.text}, {"mitigation", text_or_null(one.mitigation)}};
                         })},
          {"test_plan", list(pitch.test_plan, step)},
          {"answers", list(pitch.answers, [](const Answer& one) {
             return Json{{"lesson", one.lesson}, {"text", one.text}, {"claim", claim_json(one.claim)}};
           })}};
}

Json panel_json(const std::optional<PanelScore>& panel) {
  if (!panel) return nullptr;
  return {
      {"total", panel->total},
      {"raw_total", panel->raw_total},
      {"criteria", panel->criteria},
      {"forecast", {{"p_win", panel->forecast.p_win}, {"low", panel->forecast.low}, {"high", panel->forecast.high}}},
      {"assessments", list(panel->assessments, [](const Assessment& one) { return event_json(one); })}};
}

Json pitch_record_json(const PitchRecord& record) {
  return {{"pitch", pitch_json(record.pitch)},
          {"admitted", record.admitted},
          {"refusal", text_or_null(record.refusal)},
          {"answers", list(record.answers, answer_check_json)},
          {"evidence", list(record.evidence, check_json)},
          {"seal", text_or_null(record.seal)},
          {"observables", event_json(record.observables)},
          {"panel", panel_json(record.panel)},
          {"rank", record.rank > 0 ? Json(record.rank) : Json(nullptr)},
          {"funded", record.funded},
          {"explored", record.explored},
          {"gates", list(record.gates, [](const GateRecord& one) { return event_json(one); })},
          {"outcome", record.outcome ? event_json(*record.outcome) : Json(nullptr)},
          {"lesson", record.lesson ? event_json(*record.lesson) : Json(nullptr)}};
}

// The seed's sign is the opposite of the time's; both readings stand beside what was printed.
Json recorded_json(const std::optional<RecordedRound>& recorded) {
  if (!recorded) return nullptr;
  Json results = Json::array();
  for (std::size_t i = 0; i < recorded->outcome.cases.size(); ++i) {
    const CaseResult& one = recorded->outcome.cases[i];
    results.push_back({{"case", one.case_name},
                       {"before_seconds", one.before_seconds},
                       {"after_seconds", one.after_seconds},
                       {"time_change", one.after_seconds / one.before_seconds - 1.0},
                       {"speed_up", one.speed_up},
                       {"printed", i < recorded->printed.size() ? text_or_null(recorded->printed[i]) : Json(nullptr)}});
  }
  return {{"source", recorded->source},
          {"what_happened", recorded->what_happened},
          {"pitch", pitch_json(recorded->pitch)},
          {"verdict", to_string(recorded->outcome.verdict)},
          {"stopped_at", recorded->outcome.stopped_at},
          {"reason", recorded->outcome.reason},
          {"speed_up", or_null(recorded->outcome.speed_up)},
          {"results", results},
          {"reasons", recorded->reasons},
          {"lessons", list(recorded->lessons, [](const Lesson& one) { return event_json(one); })},
          {"observations", recorded->observations},
          {"state", text_or_null(recorded->state)}};
}

Json definition_json(const RoundDefinition& round) {
  return {{"name", round.name},
          {"title", round.title},
          {"intro", text_or_null(round.intro)},
          {"device", round.device},
          {"op", to_string(round.op)},
          {"cases", round.cases},
          {"history", list(round.history, [](const auto& path) { return path.filename().string(); })},
          {"baseline", round.recorded ? Json(nullptr) : Json(to_text(round.baseline))},
          {"baseline_note", text_or_null(round.baseline_note)},
          {"budget", {{"seconds", round.budget.seconds}, {"funded", round.budget.funded}}},
          {"seed", round.seed},
          {"sharks", list(round.sharks, [](const ExternalProgram& one) { return one.name; })},
          {"needs", round.needs},
          {"recorded", recorded_json(round.recorded)}};
}

Json rules_json(const Rules& rules) {
  const auto criterion = [](const Criterion& one) {
    return Json{{"name", one.name},
                {"base", one.base},
                {"adjustment", one.adjustment},
                {"raw", one.raw()},
                {"normalised", one.normalised}};
  };
  const measure::DecisionRule& decision = rules.decision;
  return {{"name", rules.name},
          {"description", text_or_null(rules.description)},
          {"criteria", list(rules.criteria, criterion)},
          {"generic_discount", rules.generic_discount},
          {"require_kernel_specific", rules.require_kernel_specific},
          {"evidence_criteria", rules.evidence_criteria},
          {"require_history", rules.require_history},
          {"require_answers", rules.require_answers},
          {"exploration_share", rules.exploration_share},
          {"decision",
           {{"alpha", decision.alpha},
            {"case_alpha", decision.case_alpha},
            {"confidence", decision.confidence},
            {"min_gain", decision.min_gain},
            {"case_margin", decision.case_margin},
            {"min_blocks", decision.min_blocks},
            {"max_blocks", decision.max_blocks}}},
          {"blocks",
           {{"short_race", rules.short_race_blocks},
            {"noise_floor", rules.noise_floor_blocks},
            {"confirmation", rules.confirmation_blocks}}}};
}

Json problem_json(const catalog::Case& one) {
  return {{"case", one.name},
          {"op", to_string(one.problem.op)},
          {"m", one.problem.m},
          {"n", one.problem.n},
          {"k", one.problem.k}};
}

Json case_json(const CaseFacts& facts) {
  Json json = problem_json(facts.one);
  json["floor_seconds"] = facts.floor_seconds > 0.0 ? Json(facts.floor_seconds) : Json(nullptr);
  json["memory_bound"] = facts.memory_bound;
  json["baseline_seconds"] = or_null(facts.baseline_seconds);
  json["baseline"] = event_json(facts.baseline);
  return json;
}

// "x from target": how many times the target a time is, which needs both.
Json times_target(const std::optional<double>& value, const std::optional<double>& target) {
  return value && target && *target > 0.0 ? Json(*value / *target) : Json(nullptr);
}

Json row_json(const BaselineRow& row) {
  Json json = problem_json(row.one);
  json["baseline_seconds"] = or_null(row.baseline_seconds);
  json["champion_seconds"] = or_null(row.champion_seconds);
  json["target_seconds"] = or_null(row.target_seconds);
  json["baseline_from_target"] = times_target(row.baseline_seconds, row.target_seconds);
  json["champion_from_target"] = times_target(row.champion_seconds, row.target_seconds);
  json["seed_baseline_us"] = or_null(row.seed_baseline_us);
  json["seed_target_us"] = or_null(row.seed_target_us);
  json["seed_from_target"] = times_target(row.seed_baseline_us, row.seed_target_us);
  return json;
}

Json noise_json(const std::optional<NoiseFloor>& noise) {
  if (!noise) return nullptr;
  return {
      {"log_bound", noise->log_bound}, {"blocks", noise->blocks}, {"spread", noise->spread}, {"cases", noise->cases}};
}

Json change_json(const ChampionChange& change) {
  return {{"pitch", change.pitch},
          {"before", to_text(change.before)},
          {"after", to_text(change.after)},
          {"in_force", change.in_force},
          {"reason", change.reason}};
}

}  // namespace

Json to_json(const RoundRecord& record) {
  // A round recorded elsewhere ran on a device that is not known here, and has no champion of ours.
  const bool measured = !record.definition.recorded;
  return {{"format", "thresher-verdicts-1"},
          {"version", text_or_null(record.version)},
          {"round", definition_json(record.definition)},
          {"started_at", text_or_null(record.started_at)},
          {"finished_at", text_or_null(record.finished_at)},
          {"measured_seconds", record.measured_seconds},
          {"out_of_budget", record.out_of_budget},
          {"samples", record.samples},
          {"device", record.device.kind.empty() ? Json(nullptr) : event_json(record.device)},
          {"rules", rules_json(record.rules)},
          {"history", list(record.history, [](const Lesson& one) { return event_json(one); })},
          {"earlier", list(record.earlier, definition_json)},
          {"cases", list(record.cases, case_json)},
          {"noise_floor", noise_json(record.noise_floor)},
          {"pitches", list(record.pitches, pitch_record_json)},
          {"champion_config", measured ? Json(to_text(record.champion_config)) : Json(nullptr)},
          {"in_force_reason", text_or_null(record.in_force_reason)},
          {"champion_changes", list(record.champion, change_json)},
          {"table", list(record.table, row_json)},
          {"forecasts", list(record.forecasts, [](const ForecastRecord& one) { return event_json(one); })},
          {"regret", or_null(record.regret)},
          {"random_regret", or_null(record.random_regret)}};
}

}  // namespace thresher::tank
