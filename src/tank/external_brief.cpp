// Briefs: the same facts that built-in sharks see, in the words of the files.
#include "tank/external_brief.hpp"

#include <algorithm>

#include "measure/observables.hpp"
#include "tank/event_json.hpp"
#include "thresher/config.hpp"

namespace thresher::tank {
namespace {

// Counts up when a key changes its meaning, so that an old program can tell.
constexpr int kProtocol = 1;

Json claim_json(const ObservableClaim& claim) {
  Json json = {{"observable", claim.observable}, {"relation", to_string(claim.relation)}};
  if (claim.value) json["value"] = *claim.value;
  if (claim.case_name) json["case"] = *claim.case_name;
  return json;
}

Json evidence_json(const Pitch& pitch, std::span<const ClaimCheck> checks) {
  Json all = Json::array();
  for (std::size_t i = 0; i < pitch.evidence.size(); ++i) {
    const EvidenceItem& item = pitch.evidence[i];
    Json json = {{"kind", to_string(item.kind)}, {"criterion", item.criterion}, {"text", item.text}};
    if (item.claim) json["claim"] = claim_json(*item.claim);
    if (i < checks.size()) {
      json["holds"] = checks[i].holds;
      json["finding"] = checks[i].finding;
    }
    all.push_back(json);
  }
  return all;
}

Json answers_json(const Pitch& pitch, std::span<const AnswerCheck> checks) {
  Json all = Json::array();
  for (const Answer& answer : pitch.answers) {
    Json json = {{"lesson", answer.lesson}, {"text", answer.text}};
    if (answer.claim) json["claim"] = claim_json(*answer.claim);
    const auto check =
        std::find_if(checks.begin(), checks.end(), [&](const AnswerCheck& one) { return one.lesson == answer.lesson; });
    if (check != checks.end()) {
      json["accepted"] = check->accepted;
      json["reason"] = check->reason;
    }
    all.push_back(json);
  }
  return all;
}

Json test_plan_json(const Pitch& pitch) {
  Json all = Json::array();
  for (const TestStep& step : pitch.test_plan) {
    Json json = {{"step", to_string(step.kind)}};
    if (!step.cases.empty()) json["cases"] = step.cases;
    if (step.claim) json["claim"] = claim_json(*step.claim);
    all.push_back(json);
  }
  return all;
}

Json change_json(const Change& change) {
  return change.library ? Json{{"library", change.library->filename().string()}}
                        : Json{{"config", change.patch.to_text()}};
}

Json rules_json(const Rules& rules) {
  Json criteria = Json::array();
  for (const Criterion& one : rules.criteria) {
    criteria.push_back({{"name", one.name}, {"weight", one.normalised}});
  }
  return {{"name", rules.name},
          {"criteria", criteria},
          {"generic_discount", rules.generic_discount},
          {"evidence_criteria", rules.evidence_criteria},
          {"require_kernel_specific", rules.require_kernel_specific},
          {"require_answers", rules.require_answers}};
}

const measure::CaseObservables* of_case(std::span<const measure::CaseObservables> all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.case_name == name; });
  return found == all.end() ? nullptr : &*found;
}

Json case_json(const CaseFacts& facts) {
  const Problem& problem = facts.one.problem;
  return {{"name", facts.one.name},
          {"op", to_string(problem.op)},
          {"m", problem.m},
          {"n", problem.n},
          {"k", problem.k},
          {"floor_us", facts.floor_seconds * 1e6},
          {"memory_bound", facts.memory_bound},
          {"baseline_us", facts.baseline_seconds ? Json(*facts.baseline_seconds * 1e6) : Json(nullptr)},
          {"baseline", event_json(facts.baseline)}};
}

Json cases_json(std::span<const CaseFacts> cases) {
  Json all = Json::array();
  for (const CaseFacts& facts : cases)
    all.push_back(case_json(facts));
  return all;
}

Json lessons_json(std::span<const Lesson> history) {
  Json all = Json::array();
  for (const Lesson& lesson : history)
    all.push_back(event_json(lesson));
  return all;
}

Json record_json(const TrackRecord& record) {
  return {{"forecasts", record.forecasts},
          {"brier", record.brier ? Json(*record.brier) : Json(nullptr)},
          {"interval_score", record.interval_score ? Json(*record.interval_score) : Json(nullptr)}};
}

Json catalogue_json() {
  Json all = Json::array();
  for (const measure::ObservableInfo& info : measure::observable_catalogue()) {
    all.push_back({{"name", info.name},
                   {"source", measure::to_string(info.source)},
                   {"unit", info.unit},
                   {"meaning", info.meaning}});
  }
  return all;
}

}  // namespace

Json pitch_json(const Pitch& pitch, std::span<const AnswerCheck> answers, std::span<const ClaimCheck> evidence) {
  Json json = {{"id", pitch.id},
               {"contestant", pitch.contestant},
               {"kind", to_string(pitch.kind)},
               {"category", to_string(pitch.category)},
               {"title", pitch.title},
               {"summary", pitch.summary},
               {"mechanism", pitch.mechanism},
               {"change", change_json(pitch.change)},
               {"prediction", Json::array()},
               {"evidence", evidence_json(pitch, evidence)},
               {"risk", Json::array()},
               {"test", test_plan_json(pitch)},
               {"answer", answers_json(pitch, answers)}};
  if (!pitch.earlier.empty()) json["earlier"] = pitch.earlier;
  if (pitch.mechanism_observable) json["mechanism_observable"] = claim_json(*pitch.mechanism_observable);
  for (const Prediction& one : pitch.predictions) {
    json["prediction"].push_back({{"case", one.case_name}, {"low", one.low}, {"high", one.high}});
  }
  for (const Risk& one : pitch.risks) {
    json["risk"].push_back({{"text", one.text}, {"mitigation", one.mitigation}});
  }
  return json;
}

Json shark_brief(const std::string& shark, const Brief& brief) {
  Json json = {{"protocol", kProtocol},
               {"role", "shark"},
               {"you", shark},
               {"pitch", pitch_json(*brief.pitch, brief.answers, brief.evidence)},
               {"rules", rules_json(*brief.rules)},
               {"device", event_json(*brief.device)},
               {"cases", cases_json(brief.cases)},
               {"lessons", lessons_json(brief.history)},
               {"binding", Json::array()}};
  for (Json& one : json["cases"]) {
    const auto* candidate = of_case(brief.candidate, one["name"].get<std::string>());
    one["candidate"] = candidate != nullptr ? event_json(*candidate) : Json(nullptr);
  }
  for (const Lesson& lesson : brief.binding)
    json["binding"].push_back(lesson.id);
  json["contestant_record"] = brief.contestant ? record_json(*brief.contestant) : Json(nullptr);
  return json;
}

Json contestant_brief(const RoundDefinition& round, const Rules& rules, const measure::DeviceFacts& device,
                      std::span<const CaseFacts> cases, std::span<const Lesson> history) {
  return {{"protocol", kProtocol},
          {"role", "contestant"},
          {"round", round.name},
          {"baseline", to_text(round.baseline)},
          {"rules", rules_json(rules)},
          {"device", event_json(device)},
          {"cases", cases_json(cases)},
          {"lessons", lessons_json(history)},
          {"categories", category_names()},
          {"observables", catalogue_json()}};
}

}  // namespace thresher::tank
