// How what happened in a round is written into the ledger and read back.
#include "tank/event_json.hpp"

#include <fmt/format.h>

#include "tank/or_null.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

[[noreturn]] void wrong(const std::string& key, const std::string& what) {
  throw Error(ErrorCode::parse,
              fmt::format("the ledger's \"{}\" {}; it was written by another version of this program: "
                          "read it with that one, or run the round again in a new folder",
                          key, what));
}

const Json& member(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) wrong(key, "is missing");
  return *found;
}

template <class T>
T get(const Json& json, const char* key) {
  try {
    return member(json, key).get<T>();
  } catch (const nlohmann::json::exception&) {
    wrong(key, fmt::format("has the value {}", member(json, key).dump()));
  }
}

template <class T>
std::optional<T> get_maybe(const Json& json, const char* key) {
  return member(json, key).is_null() ? std::nullopt : std::optional<T>(get<T>(json, key));
}

template <class Parse>
auto get_enum(const Json& json, const char* key, Parse parse) {
  const auto text = get<std::string>(json, key);
  const auto value = parse(text);
  if (!value) wrong(key, fmt::format("has the value \"{}\"", text));
  return *value;
}

Json ceilings_json(const device::Ceilings& ceilings) {
  Json rates = Json::object();
  for (const auto& [isa, rate] : ceilings.flops_per_second)
    rates[to_string(isa)] = rate;
  return {{"machine", ceilings.machine},
          {"measured_at", ceilings.measured_at},
          {"threads", ceilings.threads},
          {"read_bytes_per_second", ceilings.read_bytes_per_second},
          {"flops_per_second", rates}};
}

device::Ceilings ceilings_from(const Json& json) {
  device::Ceilings ceilings;
  ceilings.machine = get<std::string>(json, "machine");
  ceilings.measured_at = get<std::string>(json, "measured_at");
  ceilings.threads = get<int>(json, "threads");
  ceilings.read_bytes_per_second = get<double>(json, "read_bytes_per_second");
  for (const auto& [name, rate] : member(json, "flops_per_second").items()) {
    const std::optional<Isa> isa = parse_isa(name);
    if (!isa) wrong("flops_per_second", fmt::format("names the instruction set \"{}\"", name));
    ceilings.flops_per_second[*isa] = rate.get<double>();
  }
  return ceilings;
}

}  // namespace

Json event_json(const measure::DeviceFacts& facts) {
  return {{"kind", facts.kind},           {"name", facts.name},
          {"machine", facts.machine},     {"threads", facts.threads},
          {"l1d_bytes", facts.l1d_bytes}, {"l2_bytes", facts.l2_bytes},
          {"l3_bytes", facts.l3_bytes},   {"ceilings", ceilings_json(facts.ceilings)}};
}

measure::DeviceFacts device_facts_from(const Json& json) {
  return {.kind = get<std::string>(json, "kind"),
          .name = get<std::string>(json, "name"),
          .machine = get<std::string>(json, "machine"),
          .threads = get<int>(json, "threads"),
          .l1d_bytes = get<std::size_t>(json, "l1d_bytes"),
          .l2_bytes = get<std::size_t>(json, "l2_bytes"),
          .l3_bytes = get<std::size_t>(json, "l3_bytes"),
          .ceilings = ceilings_from(member(json, "ceilings"))};
}

Json event_json(const measure::CaseObservables& observables) {
  Json values = Json::object();
  for (const measure::Observable& one : observables.values)
    values[one.name] = one.value;
  return {{"case", observables.case_name}, {"config", observables.config}, {"values", values}};
}

Json event_json(const std::vector<measure::CaseObservables>& observables) {
  Json all = Json::array();
  for (const measure::CaseObservables& one : observables)
    all.push_back(event_json(one));
  return all;
}

std::vector<measure::CaseObservables> observables_from(const Json& json) {
  std::vector<measure::CaseObservables> all;
  for (const Json& one : json) {
    measure::CaseObservables observables{
        .case_name = get<std::string>(one, "case"), .config = get<std::string>(one, "config"), .values = {}};
    for (const auto& [name, value] : member(one, "values").items())
      observables.values.push_back({.name = name, .value = value.get<double>()});
    all.push_back(std::move(observables));
  }
  return all;
}

Json event_json(const Assessment& assessment) {
  Json scores = Json::array();
  for (const CriterionScore& one : assessment.scores)
    scores.push_back({{"criterion", one.criterion}, {"score", one.score}, {"reason", one.reason}});
  return {{"shark", assessment.shark},          {"scores", scores},
          {"p_win", assessment.forecast.p_win}, {"low", assessment.forecast.low},
          {"high", assessment.forecast.high},   {"remarks", assessment.remarks},
          {"failure", assessment.failure}};
}

Assessment assessment_from(const Json& json) {
  Assessment assessment;
  assessment.shark = get<std::string>(json, "shark");
  for (const Json& one : member(json, "scores"))
    assessment.scores.push_back({.criterion = get<std::string>(one, "criterion"),
                                 .score = get<double>(one, "score"),
                                 .reason = get<std::string>(one, "reason")});
  assessment.forecast = {
      .p_win = get<double>(json, "p_win"), .low = get<double>(json, "low"), .high = get<double>(json, "high")};
  assessment.remarks = get<std::vector<std::string>>(json, "remarks");
  assessment.failure = get<std::string>(json, "failure");
  return assessment;
}

Json event_json(const Outcome& outcome) {
  Json cases = Json::array();
  for (const CaseResult& one : outcome.cases)
    cases.push_back({{"case", one.case_name},
                     {"before_seconds", one.before_seconds},
                     {"after_seconds", one.after_seconds},
                     {"speed_up", one.speed_up},
                     {"low", or_null(one.low)},
                     {"high", or_null(one.high)},
                     {"blocks", one.blocks}});
  return {{"pitch", outcome.pitch},
          {"verdict", to_string(outcome.verdict)},
          {"stopped_at", outcome.stopped_at},
          {"reason", outcome.reason},
          {"cases", cases},
          {"speed_up", or_null(outcome.speed_up)},
          {"low", or_null(outcome.low)},
          {"high", or_null(outcome.high)},
          {"more_blocks", or_null(outcome.more_blocks)},
          {"mechanism_seen", or_null(outcome.mechanism_seen)}};
}

Outcome outcome_from(const Json& json) {
  Outcome outcome;
  outcome.pitch = get<std::string>(json, "pitch");
  outcome.verdict = get_enum(json, "verdict", parse_verdict);
  outcome.stopped_at = get<std::string>(json, "stopped_at");
  outcome.reason = get<std::string>(json, "reason");
  for (const Json& one : member(json, "cases"))
    outcome.cases.push_back({.case_name = get<std::string>(one, "case"),
                             .before_seconds = get<double>(one, "before_seconds"),
                             .after_seconds = get<double>(one, "after_seconds"),
                             .speed_up = get<double>(one, "speed_up"),
                             .low = get_maybe<double>(one, "low"),
                             .high = get_maybe<double>(one, "high"),
                             .blocks = get<int>(one, "blocks")});
  outcome.speed_up = get_maybe<double>(json, "speed_up");
  outcome.low = get_maybe<double>(json, "low");
  outcome.high = get_maybe<double>(json, "high");
  outcome.more_blocks = get_maybe<int>(json, "more_blocks");
  outcome.mechanism_seen = get_maybe<bool>(json, "mechanism_seen");
  return outcome;
}

Json event_json(const Lesson& lesson) {
  return {{"id", lesson.id},
          {"round", lesson.round},
          {"pitch", lesson.pitch},
          {"category", lesson.category ? Json(to_string(*lesson.category)) : Json(nullptr)},
          {"change", lesson.change},
          {"verdict", to_string(lesson.verdict)},
          {"scope",
           {{"device", lesson.scope.device},
            {"op", lesson.scope.op},
            {"cases", lesson.scope.cases},
            {"regime", lesson.scope.regime}}},
          {"predicted", lesson.predicted},
          {"measured", lesson.measured},
          {"mechanisms", lesson.mechanisms},
          {"text", lesson.text},
          {"retry", lesson.retry},
          {"retry_observables", lesson.retry_observables},
          {"binding", lesson.binding},
          {"recorded", lesson.recorded},
          {"source", lesson.source}};
}

Lesson lesson_from(const Json& json) {
  Lesson lesson;
  lesson.id = get<std::string>(json, "id");
  lesson.round = get<std::string>(json, "round");
  lesson.pitch = get<std::string>(json, "pitch");
  if (!member(json, "category").is_null()) lesson.category = get_enum(json, "category", parse_category);
  lesson.change = get<std::string>(json, "change");
  lesson.verdict = get_enum(json, "verdict", parse_verdict);
  const Json& scope = member(json, "scope");
  lesson.scope = {.device = get<std::string>(scope, "device"),
                  .op = get<std::string>(scope, "op"),
                  .cases = get<std::vector<std::string>>(scope, "cases"),
                  .regime = get<std::string>(scope, "regime")};
  lesson.predicted = get<std::string>(json, "predicted");
  lesson.measured = get<std::string>(json, "measured");
  lesson.mechanisms = get<std::vector<std::string>>(json, "mechanisms");
  lesson.text = get<std::string>(json, "text");
  lesson.retry = get<std::string>(json, "retry");
  lesson.retry_observables = get<std::vector<std::string>>(json, "retry_observables");
  lesson.binding = get<bool>(json, "binding");
  lesson.recorded = get<bool>(json, "recorded");
  lesson.source = get<std::string>(json, "source");
  return lesson;
}

Json event_json(const GateRecord& gate) {
  return {{"step", gate.step}, {"passed", gate.passed}, {"finding", gate.finding}, {"seconds", gate.seconds}};
}

GateRecord gate_from(const Json& json) {
  return {.step = get<std::string>(json, "step"),
          .passed = get<bool>(json, "passed"),
          .finding = get<std::string>(json, "finding"),
          .seconds = get<double>(json, "seconds")};
}

Json event_json(const ForecastRecord& record) {
  return {{"who", record.who},
          {"role", record.role},
          {"forecasts", record.forecasts},
          {"brier", or_null(record.brier)},
          {"interval_score", or_null(record.interval_score)},
          {"weight", record.weight},
          {"next_weight", record.next_weight}};
}

ForecastRecord forecast_from(const Json& json) {
  return {.who = get<std::string>(json, "who"),
          .role = get<std::string>(json, "role"),
          .forecasts = get<int>(json, "forecasts"),
          .brier = get_maybe<double>(json, "brier"),
          .interval_score = get_maybe<double>(json, "interval_score"),
          .weight = get<double>(json, "weight"),
          .next_weight = get<double>(json, "next_weight")};
}

}  // namespace thresher::tank
