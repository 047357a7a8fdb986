// Lessons: what a measured (or recorded) outcome demands of later pitches.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measure/observables.hpp"
#include "tank/pitch.hpp"
#include "tank/verdict.hpp"

namespace thresher::tank {

/// Where a lesson holds. An empty list or "any" means everywhere.
struct LessonScope {
  std::string device = "any";  // device kind, or "any"
  std::string op = "any";
  std::vector<std::string> cases;
  std::string regime;  // in words: "cold weights, small m"
};

struct Lesson {
  std::string id;  // "01-pipeline-stages/pipeline-stages"
  std::string round;
  std::string pitch;
  std::optional<Category> category;  // nothing: every category
  std::string change;                // what was changed, as text
  Verdict verdict = Verdict::loss;
  LessonScope scope;
  std::string predicted;  // in words with figures
  std::string measured;
  std::vector<std::string> mechanisms;         // that the evidence supports; recorded rounds: the reasons given
  std::string text;                            // the lesson in a sentence
  std::string retry;                           // what would have to change for a retry
  std::vector<std::string> retry_observables;  // an answer must claim one of these (any, when empty)
  bool binding = true;                         // wins inform, they do not bind
  bool recorded = false;                       // history that was not measured here
  std::string source;
};

/// True when a pitch of this category on this device must answer the lesson.
bool binds(const Lesson& lesson, const Pitch& pitch, std::string_view device_kind, std::string_view op);

/// What looking a claim up gave.
struct ClaimCheck {
  bool holds = false;
  std::string finding;  // "panels_ahead on g8-k7168: 0 before, 57344 after" or why it can't be looked up
};

/// Looks a claim up in the facts of both sides. A fact that is missing on either side does not hold.
ClaimCheck check_claim(const ObservableClaim& claim, std::span<const measure::CaseObservables> baseline,
                       std::span<const measure::CaseObservables> candidate);

struct AnswerCheck {
  std::string lesson;
  bool accepted = false;
  std::string reason;
};

/// One per binding lesson, in their order: a missing answer, one without a claim, one that claims an observable that
/// the lesson does not accept, or one whose claim does not hold is not accepted.
std::vector<AnswerCheck> check_answers(const Pitch& pitch, std::span<const Lesson> binding,
                                       std::span<const measure::CaseObservables> baseline,
                                       std::span<const measure::CaseObservables> candidate);

/// "1.02 .. 1.1 on g8-k7168, ..." and "LOSS, speed-up 0.969 (0.962 .. 0.975): g8-k7168 930 ms -> 958 ms, time +3.0 %,
/// speed-up 0.971; ...", as lessons keep them.
std::string predicted_text(const Pitch& pitch);
std::string measured_text(const Outcome& outcome);

/// The lesson of an outcome: scope, predicted and measured, evidence before and after, mechanism, retry condition.
Lesson lesson_of(const std::string& round, const Pitch& pitch, const Outcome& outcome, const LessonScope& scope,
                 std::span<const measure::CaseObservables> baseline,
                 std::span<const measure::CaseObservables> candidate);

}  // namespace thresher::tank
