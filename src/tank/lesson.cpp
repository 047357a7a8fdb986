// Which lessons bind a pitch, whether its answers hold, and the lesson that an outcome leaves.
//
// Background. In the seed's first round a pitch won every judge with arguments that were true of other kernels, and
// regressed. Words about why the next one is different are as cheap as the first ones were.
// Approach. An answer is a claim about a named fact of baseline and candidate, and the arbiter looks it up: the text is
// shown to readers and decides nothing. A lesson may name the facts that count as an answer; a claim that holds before
// the change as well as after it is no answer, since nothing changed. Lessons made here are sentences about figures:
// which facts moved, from what to what, and what the time did.
// Rejected. Scoring the text of an answer (persuasion is what failed); lessons that bind by similarity of configs (a
// contestant could step around one by touching another knob); deriving a cause where only a coincidence was seen.
#include "tank/lesson.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace thresher::tank {
namespace {

// Readings of one call's time: they differ between any two calls, and what time a change saves is for the race to say.
constexpr std::array<std::string_view, 2> kTimes = {"call_us", "floor_fraction"};

bool is_time(std::string_view observable) {
  return std::find(kTimes.begin(), kTimes.end(), observable) != kTimes.end();
}

std::string figure(double value) {
  constexpr double kExact = 1e15;  // whole numbers below it are exact in a double
  return std::floor(value) == value && std::abs(value) < kExact ? fmt::format("{:.0f}", value)
                                                                : fmt::format("{:.4g}", value);
}

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.4g} us", seconds * 1e6);
  return seconds < 1.0 ? fmt::format("{:.4g} ms", seconds * 1e3) : fmt::format("{:.4g} s", seconds);
}

// "slower by 3.1 %": of the time, so that it reads like a table of times.
std::string effect_text(double speed_up) {
  return speed_up >= 1.0 ? fmt::format("faster by {:.1f} %", (speed_up - 1.0) * 100.0)
                         : fmt::format("slower by {:.1f} %", (1.0 / speed_up - 1.0) * 100.0);
}

std::string claim_text(const ObservableClaim& claim) {
  return fmt::format("{} {}{}{}", claim.observable, to_string(claim.relation),
                     claim.value ? fmt::format(" {}", figure(*claim.value)) : "",
                     claim.case_name ? fmt::format(" on {}", *claim.case_name) : "");
}

const measure::CaseObservables* facts_of(std::span<const measure::CaseObservables> all, std::string_view name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const measure::CaseObservables& one) { return one.case_name == name; });
  return found == all.end() ? nullptr : &*found;
}

// A fact on one case, on both sides.
struct FactPair {
  std::string case_name;
  std::optional<double> before;
  std::optional<double> after;

  [[nodiscard]] bool known() const { return before.has_value() && after.has_value(); }
};

std::vector<FactPair> look_up(std::string_view observable, const std::optional<std::string>& case_name,
                              std::span<const measure::CaseObservables> baseline,
                              std::span<const measure::CaseObservables> candidate) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  if (case_name) {
    add(*case_name);
  } else {
    for (const measure::CaseObservables& one : baseline)
      add(one.case_name);
    for (const measure::CaseObservables& one : candidate)
      add(one.case_name);
  }
  std::vector<FactPair> pairs;
  for (const std::string& name : names) {
    const measure::CaseObservables* before = facts_of(baseline, name);
    const measure::CaseObservables* after = facts_of(candidate, name);
    pairs.push_back({name, before == nullptr ? std::nullopt : before->find(observable),
                     after == nullptr ? std::nullopt : after->find(observable)});
  }
  return pairs;
}

bool relation_holds(const ObservableClaim& claim, const FactPair& fact) {
  switch (claim.relation) {
    case Relation::increases:
      return *fact.after > *fact.before;
    case Relation::decreases:
      return *fact.after < *fact.before;
    case Relation::differs:
      return *fact.after != *fact.before;
    case Relation::at_least:
      return claim.value.has_value() && *fact.after >= *claim.value;
    case Relation::at_most:
      return claim.value.has_value() && *fact.after <= *claim.value;
  }
  return false;
}

std::string fact_text(const std::string& observable, const FactPair& fact) {
  return fmt::format("{} on {}: {} before, {} after", observable, fact.case_name,
                     fact.before ? figure(*fact.before) : "unknown", fact.after ? figure(*fact.after) : "unknown");
}

AnswerCheck check_answer(const Pitch& pitch, const Lesson& lesson, std::span<const measure::CaseObservables> baseline,
                         std::span<const measure::CaseObservables> candidate) {
  const auto refused = [&](std::string reason) { return AnswerCheck{lesson.id, false, std::move(reason)}; };
  const auto answer = std::find_if(pitch.answers.begin(), pitch.answers.end(),
                                   [&](const Answer& one) { return one.lesson == lesson.id; });
  const std::string wanted = lesson.retry_observables.empty()
                                 ? std::string("any observable that moves")
                                 : fmt::format("one of {}", fmt::join(lesson.retry_observables, ", "));
  if (answer == pitch.answers.end()) {
    return refused(fmt::format("no [[answer]] to lesson \"{}\"; add one with a claim on {}", lesson.id, wanted));
  }
  if (!answer->claim) {
    return refused(
        fmt::format("the answer to \"{}\" claims nothing that can be looked up; add a claim on {}", lesson.id, wanted));
  }
  const ObservableClaim& claim = *answer->claim;
  if (is_time(claim.observable)) {
    return refused(fmt::format("the answer to \"{}\" claims {}, a time, which is for the race to decide; claim {}",
                               lesson.id, claim.observable, wanted));
  }
  const auto& accepted = lesson.retry_observables;
  if (!accepted.empty() && std::find(accepted.begin(), accepted.end(), claim.observable) == accepted.end()) {
    return refused(fmt::format("the answer to \"{}\" claims {}, which the lesson does not accept; claim {}", lesson.id,
                               claim.observable, wanted));
  }
  const ClaimCheck check = check_claim(claim, baseline, candidate);
  if (!check.holds) return refused(fmt::format("the claim \"{}\" does not hold: {}", claim_text(claim), check.finding));
  for (const FactPair& fact : look_up(claim.observable, claim.case_name, baseline, candidate)) {
    if (!fact.known() || *fact.before != *fact.after) continue;
    return refused(fmt::format("the claim \"{}\" holds without the change too ({}), so it answers nothing; claim {}",
                               claim_text(claim), fact_text(claim.observable, fact), wanted));
  }
  return {lesson.id, true, check.finding};
}

// ---- lessons of outcomes --------------------------------------------------------------------------------------------

std::string range_text(double low, double high) {
  return low == high ? figure(low) : figure(low) + " .. " + figure(high);
}

// "panels_ahead 0 -> 11776 .. 57344": over the cases on which it moved. Empty when it moved on none.
std::string move_text(const measure::ObservableInfo& info, std::span<const measure::CaseObservables> baseline,
                      std::span<const measure::CaseObservables> candidate) {
  std::vector<double> before;
  std::vector<double> after;
  for (const FactPair& fact : look_up(info.name, std::nullopt, baseline, candidate)) {
    if (!fact.known() || *fact.before == *fact.after) continue;
    before.push_back(*fact.before);
    after.push_back(*fact.after);
  }
  if (before.empty()) return {};
  const auto [before_low, before_high] = std::minmax_element(before.begin(), before.end());
  const auto [after_low, after_high] = std::minmax_element(after.begin(), after.end());
  return fmt::format("{} {} -> {}", info.name, range_text(*before_low, *before_high),
                     range_text(*after_low, *after_high));
}

// What moved, the fact that the contestant named first.
std::vector<std::string> moves_of(const Pitch& pitch, std::span<const measure::CaseObservables> baseline,
                                  std::span<const measure::CaseObservables> candidate) {
  std::vector<std::string> moves;
  for (const measure::ObservableInfo& info : measure::observable_catalogue()) {
    if (is_time(info.name)) continue;
    const std::string text = move_text(info, baseline, candidate);
    if (text.empty()) continue;
    const bool named = pitch.mechanism_observable && pitch.mechanism_observable->observable == info.name;
    moves.insert(named ? moves.begin() : moves.end(), text);
  }
  return moves;
}

std::string result_text(const Outcome& outcome) {
  if (!outcome.speed_up) return fmt::format("{} at {}", to_string(outcome.verdict), outcome.stopped_at);
  return effect_text(*outcome.speed_up);
}

std::string worst_case_text(const Outcome& outcome) {
  const auto worst = std::min_element(outcome.cases.begin(), outcome.cases.end(),
                                      [](const CaseResult& a, const CaseResult& b) { return a.speed_up < b.speed_up; });
  if (worst == outcome.cases.end() || outcome.cases.size() < 2) return {};
  return fmt::format(" (worst case {}: {})", worst->case_name, effect_text(worst->speed_up));
}

std::string change_text(const Pitch& pitch) {
  return pitch.change.library ? pitch.change.library->filename().string() : pitch.change.patch.to_text();
}

std::string mechanism_text(const Pitch& pitch, const Outcome& outcome,
                           std::span<const measure::CaseObservables> baseline,
                           std::span<const measure::CaseObservables> candidate) {
  if (!pitch.mechanism_observable) return "the contestant named no fact that would show the mechanism";
  const ClaimCheck check = check_claim(*pitch.mechanism_observable, baseline, candidate);
  const bool seen = outcome.mechanism_seen.value_or(check.holds);
  return fmt::format("the promised mechanism, {}, was {}: {}", claim_text(*pitch.mechanism_observable),
                     seen ? "seen" : "not seen", check.finding);
}

bool mechanism_was_seen(const Pitch& pitch, const Outcome& outcome, std::span<const measure::CaseObservables> baseline,
                        std::span<const measure::CaseObservables> candidate) {
  if (outcome.mechanism_seen) return *outcome.mechanism_seen;
  return pitch.mechanism_observable && check_claim(*pitch.mechanism_observable, baseline, candidate).holds;
}

}  // namespace

bool binds(const Lesson& lesson, const Pitch& pitch, std::string_view device_kind, std::string_view op) {
  if (!lesson.binding) return false;
  if (lesson.category && *lesson.category != pitch.category) return false;
  const LessonScope& scope = lesson.scope;
  // "cpu" holds for every kind of CPU, "cpu-avx2" for that kind alone.
  const bool device = scope.device == "any" || scope.device == device_kind ||
                      device_kind.substr(0, scope.device.size() + 1) == scope.device + "-";
  if (!device) return false;
  if (scope.op != "any" && scope.op != op) return false;
  if (scope.cases.empty() || pitch.predictions.empty()) return true;
  return std::any_of(pitch.predictions.begin(), pitch.predictions.end(), [&](const Prediction& one) {
    return std::find(scope.cases.begin(), scope.cases.end(), one.case_name) != scope.cases.end();
  });
}

ClaimCheck check_claim(const ObservableClaim& claim, std::span<const measure::CaseObservables> baseline,
                       std::span<const measure::CaseObservables> candidate) {
  const std::vector<FactPair> facts = look_up(claim.observable, claim.case_name, baseline, candidate);
  if (facts.empty()) return {false, fmt::format("{}: no facts of either side are known", claim.observable)};
  std::vector<std::string> findings;
  for (const FactPair& fact : facts) {
    const std::string text = fact_text(claim.observable, fact);
    if (!fact.known()) {
      // Counts are taken on some cases of a round only: what nobody counted on either side says nothing about the
      // claim.
      const bool nobody_looked = !fact.before && !fact.after && !claim.case_name;
      if (nobody_looked) continue;
      return {false, text};
    }
    if (!relation_holds(claim, fact)) return {false, fmt::format("{}, claimed: {}", text, claim_text(claim))};
    findings.push_back(text);
  }
  if (findings.empty()) return {false, fmt::format("{}: known on no case of the round", claim.observable)};
  return {true, fmt::format("{}", fmt::join(findings, "; "))};
}

std::vector<AnswerCheck> check_answers(const Pitch& pitch, std::span<const Lesson> binding,
                                       std::span<const measure::CaseObservables> baseline,
                                       std::span<const measure::CaseObservables> candidate) {
  std::vector<AnswerCheck> checks;
  for (const Lesson& lesson : binding) {
    checks.push_back(check_answer(pitch, lesson, baseline, candidate));
  }
  return checks;
}

std::string predicted_text(const Pitch& pitch) {
  std::vector<std::string> parts;
  for (const Prediction& one : pitch.predictions) {
    parts.push_back(fmt::format("{} .. {} on {}", figure(one.low), figure(one.high), one.case_name));
  }
  return parts.empty() ? "no figure" : fmt::format("speed-up {}", fmt::join(parts, ", "));
}

std::string measured_text(const Outcome& outcome) {
  std::string text = to_string(outcome.verdict);
  if (outcome.speed_up) text += fmt::format(", speed-up {:.3f}", *outcome.speed_up);
  if (outcome.low && outcome.high) text += fmt::format(" ({:.3f} .. {:.3f})", *outcome.low, *outcome.high);
  std::vector<std::string> parts;
  for (const CaseResult& one : outcome.cases) {
    parts.push_back(fmt::format("{} {} -> {}, time {:+.1f} %, speed-up {:.3f}", one.case_name,
                                time_text(one.before_seconds), time_text(one.after_seconds),
                                (one.after_seconds / one.before_seconds - 1.0) * 100.0, one.speed_up));
  }
  if (parts.empty()) return fmt::format("{} at {}: {}", text, outcome.stopped_at, outcome.reason);
  return fmt::format("{}: {}", text, fmt::join(parts, "; "));
}

Lesson lesson_of(const std::string& round, const Pitch& pitch, const Outcome& outcome, const LessonScope& scope,
                 std::span<const measure::CaseObservables> baseline,
                 std::span<const measure::CaseObservables> candidate) {
  Lesson lesson;
  lesson.id = round + "/" + pitch.id;
  lesson.round = round;
  lesson.pitch = pitch.id;
  lesson.category = pitch.category;
  lesson.change = change_text(pitch);
  lesson.verdict = outcome.verdict;
  lesson.scope = scope;
  lesson.predicted = predicted_text(pitch);
  lesson.measured = measured_text(outcome);
  const std::vector<std::string> moves = moves_of(pitch, baseline, candidate);
  const std::string moved = moves.empty() ? "no known fact moved" : fmt::format("{}", fmt::join(moves, ", "));
  lesson.mechanisms = {fmt::format("{}; {}", moved, result_text(outcome)),
                       mechanism_text(pitch, outcome, baseline, candidate)};
  lesson.text = fmt::format("{} on {}, {}: {}{}; {}.", lesson.change, scope.device, scope.op, result_text(outcome),
                            worst_case_text(outcome), moved);
  // A win informs, and an undecided race taught nothing: neither is held against the next pitch.
  lesson.binding = outcome.verdict != Verdict::win && outcome.verdict != Verdict::ambiguous;
  if (!lesson.binding) return lesson;
  if (pitch.mechanism_observable && !mechanism_was_seen(pitch, outcome, baseline, candidate)) {
    lesson.retry_observables = {pitch.mechanism_observable->observable};
    lesson.retry = fmt::format("show that {} this time", claim_text(*pitch.mechanism_observable));
  } else {
    lesson.retry = fmt::format("claim a fact that stood still here, or that moves the other way; here: {}", moved);
  }
  return lesson;
}

}  // namespace thresher::tank
