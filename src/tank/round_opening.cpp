// The opening of a round: files checked against the ledger, history read, the baseline observed.
#include "tank/round_opening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <set>

#include "device/floor.hpp"
#include "tank/event_json.hpp"
#include "tank/forecasts.hpp"
#include "thresher/error.hpp"
#include "thresher/version.hpp"

namespace thresher::tank {
namespace {

Event must_find(const Ledger& ledger, const char* kind, const std::string& subject) {
  std::optional<Event> event = ledger.find(kind, subject);
  if (!event) {
    throw Error(ErrorCode::parse,
                fmt::format("the ledger has no {} of \"{}\": the round was stopped before that; go on "
                            "with 'thresher round run'",
                            kind, subject));
  }
  return *event;
}

void sort_by_cost(Opening& opening) {
  opening.by_cost = opening.cases;
  std::stable_sort(opening.by_cost.begin(), opening.by_cost.end(), [](const catalog::Case& a, const catalog::Case& b) {
    return device::work_of(a.problem).flops < device::work_of(b.problem).flops;
  });
}

Json definition_json(const Opening& opening, const std::vector<Pitch>& pitches) {
  Json contents = Json::object();
  for (const Pitch& pitch : pitches)
    contents[pitch.id] = content_hash(pitch.source_text);
  return {{"name", opening.definition.name},
          {"round", content_hash(opening.definition.source_text)},
          {"rules", content_hash(opening.rules.source_text)},
          {"pitches", contents}};
}

// What is not as it was, as a reader calls it; nothing when all is.
std::optional<std::string> what_changed(const Opening& opening, const Json& then, const Json& now) {
  if (then.at("name") != now.at("name")) return fmt::format("its name, which was {},", then.at("name").dump());
  if (then.at("round") != now.at("round")) return "round.toml";
  if (then.at("rules") != now.at("rules")) return opening.definition.rules_file.filename().string();
  const Json& before = then.at("pitches");
  const Json& after = now.at("pitches");
  for (const auto& [id, hash] : after.items()) {
    if (!before.contains(id)) return fmt::format("pitches/{}.toml, which is new,", id);
    if (before.at(id) != hash) return fmt::format("pitches/{}.toml", id);
  }
  for (const auto& [id, hash] : before.items())
    if (!after.contains(id)) return fmt::format("pitches/{}.toml, which is gone,", id);
  return std::nullopt;
}

}  // namespace

Opening open_round(const RoundDefinition& definition, const Rules& rules, const std::vector<catalog::Case>& catalog) {
  Opening opening;
  opening.definition = definition;
  opening.rules = rules;
  opening.history = read_history(definition);
  require_history(rules, opening.history.lessons);
  opening.records = track_records(opening.history.forecasts);
  std::set<std::string> seen;
  for (const std::string& name : definition.cases) {
    if (!seen.insert(name).second) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("round {} names the case \"{}\" twice; remove one", definition.name, name));
    }
    opening.published.push_back(catalog::find_case(catalog, name));
    opening.cases.push_back(opening.published.back().with_op(definition.op));
  }
  if (opening.cases.empty()) {
    throw Error(ErrorCode::invalid_argument, fmt::format("round {} has no cases", definition.name));
  }
  sort_by_cost(opening);
  return opening;
}

void enter_definition(Ledger& ledger, const Opening& opening, const std::vector<Pitch>& pitches,
                      const measure::DeviceFacts& device, double budget_seconds) {
  const Json now = definition_json(opening, pitches);
  const std::optional<Event> entered = ledger.find("round", "definition");
  if (!entered) {
    Json data = now;
    ledger.keep("round", opening.definition.source_text);
    ledger.keep("rules", opening.rules.source_text);
    data["version"] = fmt::format("{}.{}.{}", THRESHER_VERSION_MAJOR, THRESHER_VERSION_MINOR, THRESHER_VERSION_PATCH);
    data["machine"] = device.machine;
    data["device"] = device.kind;
    data["budget_seconds"] = budget_seconds;
    ledger.append("round", "definition", data);
    return;
  }
  if (const auto changed = what_changed(opening, entered->data, now)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} of round {} changed since it was started at {}: a started round keeps its files; put "
                            "it back, or start a new folder",
                            *changed, opening.definition.name, entered->at));
  }
  for (const auto& [key, value] : {std::pair<const char*, std::string>("machine", device.machine),
                                   std::pair<const char*, std::string>("device", device.kind)}) {
    const auto then = entered->data.at(key).get<std::string>();
    if (then == value) continue;
    throw Error(ErrorCode::environment,
                fmt::format("round {} was started on {} {} and can't go on with {}: times of two machines must not be "
                            "mixed; start a new folder here",
                            opening.definition.name, key, then, value));
  }
}

measure::DeviceFacts enter_device(Ledger& ledger, const measure::Executor& executor) {
  if (!ledger.find("device", "facts")) ledger.append("device", "facts", event_json(executor.device()));
  return read_device(ledger);
}

measure::DeviceFacts read_device(const Ledger& ledger) {
  return device_facts_from(must_find(ledger, "device", "facts").data);
}

void observe_baseline(Ledger& ledger, Opening& opening, measure::Executor& executor, Observer& observer) {
  measure::Candidate baseline;
  baseline.name = "baseline";
  baseline.config = opening.definition.baseline;
  if (!ledger.find("baseline", "observables")) {
    observer.stage("the baseline");
    if (const auto failure = executor.admit(baseline, opening.cases)) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the baseline of round {} can't run: {}", opening.definition.name, failure->reason));
    }
    const auto observables = observe_cases(executor, opening, baseline, observer);
    Json floors = Json::object();
    for (const catalog::Case& one : opening.cases)
      floors[one.name] = executor.floor_seconds(one);
    ledger.append("baseline", "observables", Json{{"observables", event_json(observables)}, {"floors", floors}});
  }
  read_baseline(ledger, opening);
}

void read_baseline(const Ledger& ledger, Opening& opening) {
  const Json data = must_find(ledger, "baseline", "observables").data;
  opening.baseline = observables_from(data.at("observables"));
  const measure::DeviceFacts device = read_device(ledger);
  opening.facts.clear();
  for (std::size_t i = 0; i < opening.cases.size(); ++i) {
    const catalog::Case& one = opening.cases[i];
    CaseFacts facts;
    facts.one = one;
    facts.floor_seconds = data.at("floors").at(one.name).get<double>();
    const device::Work work = device::work_of(one.problem);
    facts.memory_bound = work.bytes() / device.ceilings.read_bytes_per_second >= facts.floor_seconds * (1 - 1e-9);
    facts.baseline = opening.baseline.at(i);
    if (const auto call = facts.baseline.find("call_us")) facts.baseline_seconds = *call * 1e-6;
    opening.facts.push_back(std::move(facts));
  }
}

}  // namespace thresher::tank
