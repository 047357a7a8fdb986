// The door of a round: which pitches are heard, what is known about them, and what the panel says.
#include "tank/round_admission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format/random.hpp"
#include "tank/event_json.hpp"
#include "tank/external.hpp"
#include "tank/external_brief.hpp"
#include "tank/forecasts.hpp"

namespace thresher::tank {
namespace {

Json checks_json(const std::vector<AnswerCheck>& answers) {
  Json json = Json::array();
  for (const AnswerCheck& one : answers)
    json.push_back({{"lesson", one.lesson}, {"accepted", one.accepted}, {"reason", one.reason}});
  return json;
}

Json checks_json(const std::vector<ClaimCheck>& evidence) {
  Json json = Json::array();
  for (const ClaimCheck& one : evidence)
    json.push_back({{"holds", one.holds}, {"finding", one.finding}});
  return json;
}

std::vector<ClaimCheck> check_evidence(const Pitch& pitch, const Opening& opening,
                                       const std::vector<measure::CaseObservables>& candidate) {
  std::vector<ClaimCheck> checks;
  for (const EvidenceItem& item : pitch.evidence) {
    if (item.kind == EvidenceKind::generic || !item.claim) {
      checks.push_back({.holds = false, .finding = "generic: not about this kernel"});
    } else {
      checks.push_back(check_claim(*item.claim, opening.baseline, candidate));
    }
  }
  return checks;
}

std::string refusal_of(const PitchRecord& record, const Opening& opening) {
  const std::vector<std::string>& heard = opening.history.pitches;
  if (record.pitch.kind != PitchKind::fresh &&
      std::find(heard.begin(), heard.end(), record.pitch.earlier) == heard.end()) {
    return fmt::format("it is a {} pitch of \"{}\", which no earlier round heard; they heard {}",
                       to_string(record.pitch.kind), record.pitch.earlier, fmt::join(heard, ", "));
  }
  if (!opening.rules.require_answers) return {};
  for (const AnswerCheck& answer : record.answers) {
    if (!answer.accepted) return fmt::format("lesson {} binds it: {}", answer.lesson, answer.reason);
  }
  return {};
}

std::vector<Lesson> binding_lessons(const Opening& opening, const Pitch& pitch, const std::string& device_kind) {
  std::vector<Lesson> binding;
  for (const Lesson& lesson : opening.history.lessons) {
    if (binds(lesson, pitch, device_kind, to_string(opening.definition.op))) binding.push_back(lesson);
  }
  return binding;
}

PitchRecord hear(measure::Executor& executor, const Opening& opening, const Pitch& pitch, Observer& observer) {
  PitchRecord record;
  record.pitch = pitch;
  record.seal = seal_of(pitch);
  const measure::Candidate candidate = candidate_of(pitch, opening.definition.baseline);
  if (const auto failure = executor.admit(candidate, opening.cases)) {
    record.refusal = "its change can't run: " + failure->reason;
    return record;
  }
  record.observables = observe_cases(executor, opening, candidate, observer);
  record.evidence = check_evidence(pitch, opening, record.observables);
  record.answers = check_answers(pitch, binding_lessons(opening, pitch, executor.device().kind), opening.baseline,
                                 record.observables);
  record.refusal = refusal_of(record, opening);
  record.admitted = record.refusal.empty();
  return record;
}

std::vector<std::unique_ptr<Shark>> sharks_of(const RoundDefinition& definition) {
  std::vector<std::unique_ptr<Shark>> sharks = builtin_sharks();
  for (const ExternalProgram& one : definition.sharks)
    sharks.push_back(external_shark(one, definition.folder));
  return sharks;
}

void ask_sharks(Ledger& ledger, const Brief& brief, const std::vector<std::unique_ptr<Shark>>& sharks) {
  for (const auto& shark : sharks) {
    const std::string subject = brief.pitch->id + "/" + shark->name();
    if (!ledger.find("assessment", subject)) ledger.append("assessment", subject, event_json(shark->assess(brief)));
  }
}

std::vector<Assessment> recorded_assessments(const Ledger& ledger, const std::string& pitch) {
  std::vector<Assessment> assessments;
  for (const Event& event : ledger.events("assessment")) {
    if (event.subject.starts_with(pitch + "/")) assessments.push_back(assessment_from(event.data));
  }
  return assessments;
}

// Of those that the panel left out, so many that they take about the rules' share of what is measured.
std::vector<std::string> explore(const Opening& opening, std::vector<std::string> left, std::size_t funded) {
  const double share = opening.rules.exploration_share;
  if (share <= 0.0) return {};
  const double wanted = funded == 0 ? 1.0 : std::ceil(static_cast<double>(funded) * share / (1.0 - share) - 1e-9);
  Random random(opening.definition.seed);
  std::vector<std::string> drawn;
  while (!left.empty() && static_cast<double>(drawn.size()) < wanted) {
    const auto index = static_cast<std::ptrdiff_t>(random.below(left.size()));
    drawn.push_back(left[static_cast<std::size_t>(index)]);
    left.erase(left.begin() + index);
  }
  return drawn;
}

// What a brief points to, kept together.
struct BriefOf {
  std::vector<Lesson> binding;
  Brief brief;

  BriefOf(const Opening& opening, const measure::DeviceFacts& device, const PitchRecord& record)
      : binding(binding_lessons(opening, record.pitch, device.kind)),
        brief{.pitch = &record.pitch,
              .rules = &opening.rules,
              .device = &device,
              .cases = opening.facts,
              .candidate = record.observables,
              .history = opening.history.lessons,
              .binding = binding,
              .answers = record.answers,
              .evidence = record.evidence,
              .contestant = contestant_record(opening.history.forecasts, record.pitch.contestant)} {}
  BriefOf(const BriefOf&) = delete;
  BriefOf& operator=(const BriefOf&) = delete;
};

}  // namespace

measure::Candidate candidate_of(const Pitch& pitch, const CpuConfig& base) {
  measure::Candidate candidate;
  candidate.name = pitch.id;
  if (pitch.change.library) {
    candidate.kind = measure::CandidateKind::library;
    candidate.library = *pitch.change.library;
  } else {
    candidate.config = pitch.change.patch.apply(base);
  }
  return candidate;
}

std::vector<measure::CaseObservables> observe_cases(measure::Executor& executor, const Opening& opening,
                                                    const measure::Candidate& candidate, Observer& observer) {
  std::vector<measure::CaseObservables> all;
  for (const catalog::Case& one : opening.cases) {
    observer.checkpoint();
    const auto place = std::find_if(opening.by_cost.begin(), opening.by_cost.end(),
                                    [&](const catalog::Case& other) { return other.name == one.name; });
    all.push_back(
        executor.observe(candidate, one, place - opening.by_cost.begin() < static_cast<std::ptrdiff_t>(kCountedCases)));
  }
  return all;
}

std::vector<Pitch> ask_contestants(Ledger& ledger, const Opening& opening, const measure::DeviceFacts& device,
                                   Observer& observer) {
  const RoundDefinition& round = opening.definition;
  const PitchContext context = pitch_context(round, opening.rules);
  std::vector<Pitch> pitches;
  for (const ExternalProgram& one : round.contestants) {
    if (!ledger.find("contestant", one.name)) {
      observer.stage(fmt::format("{}: writing a pitch", one.name));
      const Json brief = contestant_brief(round, opening.rules, device, opening.facts, opening.history.lessons);
      const ExternalPitch answer = external_pitch(one.name, one.command, one.seconds, round.folder, brief, context);
      ledger.append(
          "contestant", one.name,
          Json{{"pitch", answer.pitch ? Json(ledger.keep("pitch", answer.pitch->source_text)) : Json(nullptr)},
               {"failure", answer.failure}});
      if (!answer.pitch) observer.note(fmt::format("{} has no pitch: {}", one.name, answer.failure));
    }
    const Json entered = ledger.find("contestant", one.name)->data;
    if (entered.at("pitch").is_null()) continue;
    const auto text = ledger.content(entered.at("pitch").get<std::string>());
    if (text) pitches.push_back(parse_pitch(*text, one.name, round.folder / "pitches", one.name, context));
  }
  return pitches;
}

std::string seal_of(const Pitch& pitch) {
  Json promise = Json::array();
  for (const Prediction& one : pitch.predictions)
    promise.push_back({{"case", one.case_name}, {"low", one.low}, {"high", one.high}});
  return content_hash(Json{{"pitch", pitch.id}, {"mechanism", pitch.mechanism}, {"predictions", promise}}.dump());
}

PitchRecord pitch_record_from(const Pitch& pitch, const Json& data) {
  PitchRecord record;
  record.pitch = pitch;
  record.admitted = data.at("admitted").get<bool>();
  record.refusal = data.at("refusal").get<std::string>();
  record.seal = data.at("seal").get<std::string>();
  record.observables = observables_from(data.at("observables"));
  for (const Json& one : data.at("answers"))
    record.answers.push_back({.lesson = one.at("lesson").get<std::string>(),
                              .accepted = one.at("accepted").get<bool>(),
                              .reason = one.at("reason").get<std::string>()});
  for (const Json& one : data.at("evidence"))
    record.evidence.push_back({.holds = one.at("holds").get<bool>(), .finding = one.at("finding").get<std::string>()});
  return record;
}

PitchRecord admit_pitch(measure::Executor& executor, Ledger& ledger, const Opening& opening, const Pitch& pitch,
                        Observer& observer) {
  if (const auto event = ledger.find("pitch", pitch.id)) return pitch_record_from(pitch, event->data);
  observer.stage(fmt::format("{}: hearing the pitch", pitch.id));
  PitchRecord record = hear(executor, opening, pitch, observer);
  ledger.append("pitch", pitch.id,
                Json{{"content", ledger.keep("pitch", pitch.source_text)},
                     {"admitted", record.admitted},
                     {"refusal", record.refusal},
                     {"seal", record.seal},
                     {"answers", checks_json(record.answers)},
                     {"evidence", checks_json(record.evidence)},
                     {"observables", event_json(record.observables)}});
  if (!record.admitted) observer.note(fmt::format("refused {}: {}", pitch.id, record.refusal));
  return record;
}

std::vector<PanelScore> score_panel(const Ledger& ledger, const Opening& opening, const measure::DeviceFacts& device,
                                    std::vector<PitchRecord>& pitches) {
  std::vector<PanelScore> scores;
  for (PitchRecord& record : pitches) {
    if (!record.admitted) continue;
    const BriefOf of(opening, device, record);
    record.panel = score(of.brief, recorded_assessments(ledger, record.pitch.id), opening.records);
    scores.push_back(*record.panel);
  }
  return scores;
}

void read_funding(const Ledger& ledger, std::vector<PitchRecord>& pitches) {
  const Json funding = ledger.find("funding", "round").value().data;
  const auto contains = [](const Json& list, const std::string& id) {
    return std::find(list.begin(), list.end(), Json(id)) != list.end();
  };
  for (PitchRecord& record : pitches) {
    record.funded = contains(funding.at("funded"), record.pitch.id);
    record.explored = contains(funding.at("explored"), record.pitch.id);
    const Json& ranked = funding.at("ranked");
    const auto place = std::find(ranked.begin(), ranked.end(), Json(record.pitch.id));
    record.rank = place == ranked.end() ? 0 : static_cast<int>(place - ranked.begin()) + 1;
  }
}

void hold_panel(Ledger& ledger, const Opening& opening, const measure::DeviceFacts& device,
                std::vector<PitchRecord>& pitches, Observer& observer) {
  require_history(opening.rules, opening.history.lessons);
  const auto sharks = sharks_of(opening.definition);
  for (const PitchRecord& record : pitches) {
    if (!record.admitted) continue;
    observer.stage(fmt::format("{}: the panel", record.pitch.id));
    observer.checkpoint();
    ask_sharks(ledger, BriefOf(opening, device, record).brief, sharks);
  }
  const std::vector<PanelScore> scores = score_panel(ledger, opening, device, pitches);
  if (!ledger.find("funding", "round")) {
    const std::vector<std::string> ranked = ranking(scores);
    const std::vector<std::string> funded = fund(scores, opening.definition.budget.funded);
    std::vector<std::string> left;
    std::copy_if(ranked.begin(), ranked.end(), std::back_inserter(left),
                 [&](const std::string& id) { return std::find(funded.begin(), funded.end(), id) == funded.end(); });
    const std::vector<std::string> explored = explore(opening, left, funded.size());
    ledger.append("funding", "round", Json{{"ranked", ranked}, {"funded", funded}, {"explored", explored}});
  }
  read_funding(ledger, pitches);
}

}  // namespace thresher::tank
