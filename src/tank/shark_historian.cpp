// The historian shark: what earlier rounds measured, and whether the pitch has learnt from it.
//
// Background. Round 1 of the seed was unanimous: pipelining is industry standard. It lost on every case. What was
// missing was not eloquence but one fact about this kernel. Approach. The record of the category, the lessons that bind
// with the arbiter's check of their answers, the earlier attempt of a repitch, and the contestant's own predictions.
// Where nothing kernel-specific holds, the odds are those of round 1. Lessons are cited by id, so that a reader can
// look them up.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "tank/builtin_sharks.hpp"
#include "tank/shark_facts.hpp"

namespace thresher::tank {
namespace {

// Words that stand where evidence should. They cost a pitch nothing once something kernel-specific holds.
constexpr std::array<std::string_view, 8> kTalk{"industry standard", "industry-standard", "best practice",
                                                "well known",        "well-known",        "textbook",
                                                "state of the art",  "everybody"};

std::optional<std::string> talk_in(const Pitch& pitch) {
  std::string text = pitch.title + " " + pitch.summary + " " + pitch.mechanism;
  for (const EvidenceItem& item : pitch.evidence) {
    text += " " + item.text;
  }
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  for (const std::string_view words : kTalk) {
    if (text.find(words) != std::string::npos) return std::string(words);
  }
  return std::nullopt;
}

// What history says about this pitch.
struct Record {
  Attempts attempts;  // of the category
  std::string cited;  // ids of the category's lessons
  std::vector<const Lesson*> unanswered;
  std::vector<const Lesson*> answered;
  const Lesson* same_change = nullptr;  // measured before, word for word
  const Lesson* earlier = nullptr;      // what a repitch refers to
  std::optional<std::string> talk;
  EvidenceCount evidence;

  [[nodiscard]] int tried() const { return attempts.wins + attempts.others; }
  /// Laplace's rule of succession: a category without a record stands at one half.
  [[nodiscard]] double rate() const { return (attempts.wins + 1.0) / (tried() + 2.0); }
};

bool accepted(const Brief& brief, const std::string& lesson) {
  return std::any_of(brief.answers.begin(), brief.answers.end(),
                     [&](const AnswerCheck& check) { return check.lesson == lesson && check.accepted; });
}

Record record_of(const Brief& brief) {
  Record record;
  record.talk = talk_in(*brief.pitch);
  record.evidence = count_evidence(brief, "");
  record.attempts = attempts_in(brief.history, brief.pitch->category);
  const std::string change = brief.pitch->change.library ? "" : brief.pitch->change.patch.to_text();
  for (const Lesson& lesson : brief.history) {
    if (!change.empty() && lesson.change == change) record.same_change = &lesson;
    if (!brief.pitch->earlier.empty() && lesson.id == brief.pitch->earlier) record.earlier = &lesson;
    if (lesson.category != brief.pitch->category) continue;
    record.cited += fmt::format("{}{} ({})", record.cited.empty() ? "" : ", ", lesson.id, to_string(lesson.verdict));
  }
  for (const Lesson& lesson : brief.binding) {
    (accepted(brief, lesson.id) ? record.answered : record.unanswered).push_back(&lesson);
  }
  return record;
}

std::string ids_of(const std::vector<const Lesson*>& lessons) {
  std::string ids;
  for (const Lesson* one : lessons) {
    ids += (ids.empty() ? "" : ", ") + one->id;
  }
  return ids;
}

std::string category_text(const Brief& brief, const Record& record) {
  if (brief.history.empty()) return "no earlier round is known";
  if (record.cited.empty()) {
    return fmt::format("none of {} lessons, the first of them {}, is about {}", brief.history.size(),
                       brief.history.front().id, to_string(brief.pitch->category));
  }
  return fmt::format("{}: {} wins in {} attempts, {}", to_string(brief.pitch->category), record.attempts.wins,
                     record.tried(), record.cited);
}

std::string lessons_text(const Brief& brief, const Record& record) {
  if (brief.binding.empty()) return "no lesson binds it";
  if (!record.unanswered.empty()) {
    return fmt::format("{} of {} lessons that bind are not answered by evidence: {}", record.unanswered.size(),
                       brief.binding.size(), ids_of(record.unanswered));
  }
  return fmt::format("all {} lessons that bind are answered by evidence: {}", brief.binding.size(),
                     ids_of(record.answered));
}

Judgement judge_gain(const Brief& brief, const std::vector<CaseView>& views, const Record& record) {
  const double claimed = claim_of(views).middle;
  const double scale = std::max(0.01, log_headroom(views).value_or(std::log(2.0)));
  const double trust = std::min(1.0, 2.0 * record.rate());
  const double shown = record.evidence.holding > 0 ? 1.0 : 0.5;
  return {.score = 10.0 * std::sqrt(std::clamp(claimed / scale, 0.0, 1.0)) * trust * shown,
          .reason = fmt::format("claims {}; {}, so {:.0f} % of the points count{}", speed_up_text(claimed),
                                category_text(brief, record), 100.0 * trust * shown,
                                shown < 1.0 ? " (nothing kernel-specific holds)" : "")};
}

Judgement judge_soundness(const Brief& brief, const Record& record) {
  double score = 7.0;
  std::string reason = lessons_text(brief, record);
  if (!record.unanswered.empty()) score = 0.5;
  if (record.evidence.holding == 0) {
    score = std::min(score, 3.0);
    reason += "; nothing kernel-specific holds";
    if (!brief.history.empty())
      reason += ", as in round 1, which was unanimous and wrong (" + brief.history.front().id + ")";
    if (record.talk) {
      score = std::min(score, 1.0);
      reason += fmt::format("; '{}' is no evidence about this kernel", *record.talk);
    }
  }
  if (record.unanswered.empty() && !record.answered.empty()) score += 1.0;
  return {.score = score, .reason = reason};
}

Judgement judge_feasibility(const Brief& brief, const Record& record) {
  if (record.same_change != nullptr) {
    return {.score = 2.0,
            .reason = fmt::format("the very same change '{}' was tried before: {} ({}, measured {})",
                                  record.same_change->change, record.same_change->id,
                                  to_string(record.same_change->verdict), record.same_change->measured)};
  }
  const bool again = brief.pitch->kind != PitchKind::fresh;
  if (again && record.earlier == nullptr) {
    return {.score = 4.0,
            .reason = fmt::format("a {} of '{}', which no known lesson is about", to_string(brief.pitch->kind),
                                  brief.pitch->earlier)};
  }
  return {.score = again ? 6.0 : 7.0,
          .reason = fmt::format(
              "{}{}; {}", to_string(brief.pitch->kind),
              again ? " of " + record.earlier->id + ", whose change was '" + record.earlier->change + "'" : " idea",
              category_text(brief, record))};
}

// What the lessons ask a retry to show.
std::vector<std::string_view> asked_by(const Brief& brief) {
  std::vector<std::string_view> asked;
  for (const Lesson& lesson : brief.binding) {
    asked.insert(asked.end(), lesson.retry_observables.begin(), lesson.retry_observables.end());
  }
  for (const Answer& answer : brief.pitch->answers) {
    if (answer.claim) asked.push_back(answer.claim->observable);
  }
  return asked;
}

Judgement judge_specific(const Brief& brief, const Record& record) {
  Judgement judgement = judge_specificity(brief, "what lessons ask", holding_about(brief, asked_by(brief)));
  if (record.talk && record.evidence.holding == 0) {
    judgement.score = 0.0;
    judgement.reason += fmt::format("; it rests on '{}'", *record.talk);
  }
  judgement.reason += "; " + lessons_text(brief, record);
  return judgement;
}

Judgement judge_risk(const Brief& brief, const Record& record) {
  const double named = std::min<double>(3.0, static_cast<double>(brief.pitch->risks.size()));
  const double score =
      (record.unanswered.empty() ? 5.0 : 1.0) + named - (record.attempts.others > record.attempts.wins ? 1.0 : 0.0);
  return {.score = score,
          .reason = fmt::format("{} risks named; {}; {}", brief.pitch->risks.size(), lessons_text(brief, record),
                                category_text(brief, record))};
}

Judgement judge_testing(const Brief& brief) {
  std::vector<std::string_view> asked = asked_by(brief);
  const bool by_lessons = !asked.empty();
  if (!by_lessons && brief.pitch->mechanism_observable) asked.push_back(brief.pitch->mechanism_observable->observable);
  const bool observes = plan_observes(*brief.pitch, asked);
  if (asked.empty()) return {.score = 3.0, .reason = "neither a lesson nor the mechanism names an observable to test"};
  return {.score = observes ? 9.0 : 3.0,
          .reason = fmt::format("{} step of the plan tests what {} {} ({})", observes ? "a" : "no",
                                by_lessons ? "the lessons" : "the mechanism", "would show", asked.front())};
}

Forecast judge_forecast(const Brief& brief, const std::vector<CaseView>& views, const Record& record) {
  Belief belief = starting_belief(brief, views);
  if (record.tried() > 0) belief.odds = record.rate() / (1.0 - record.rate());
  // Round 1: four sharks, no fact about the kernel, and a loss.
  if (record.evidence.holding == 0) belief.odds /= record.talk ? 6.0 : 4.0;
  if (record.evidence.holding >= 2) belief.odds *= 1.5;
  if (!record.unanswered.empty()) {
    belief.odds /= 6.0;
    // An opinion: less than the seed's loss, because not every repetition repeats its size.
    belief.fails = -0.1;
  } else if (!record.answered.empty()) {
    belief.odds *= 1.5;
  }
  if (record.same_change != nullptr && record.same_change->verdict != Verdict::win) belief.odds /= 4.0;
  if (brief.contestant && brief.contestant->interval_score) belief.spread += 0.25 * *brief.contestant->interval_score;
  return forecast_of(belief);
}

std::vector<std::string> remarks_of(const Brief& brief, const Record& record) {
  std::vector<std::string> remarks;
  for (const Lesson* lesson : record.unanswered) {
    remarks.push_back(fmt::format("{} binds and is not answered: {}; a retry would need: {}", lesson->id, lesson->text,
                                  lesson->retry));
  }
  for (const Lesson* lesson : record.answered) {
    remarks.push_back(fmt::format("{} binds and is answered: {}", lesson->id, lesson->text));
  }
  if (brief.contestant && brief.contestant->interval_score) {
    remarks.push_back(fmt::format("{}: {} earlier predictions, mean interval score {:.2f} in log speed-up",
                                  brief.pitch->contestant, brief.contestant->forecasts,
                                  *brief.contestant->interval_score));
  }
  return remarks;
}

class HistorianShark final : public Shark {
 public:
  [[nodiscard]] std::string name() const override { return "historian"; }
  [[nodiscard]] std::string looks_at() const override {
    return "Lessons that bind and their answers, the records of category and contestant, talk in place of evidence.";
  }
  [[nodiscard]] Assessment assess(const Brief& brief) const override {
    const std::vector<CaseView> views = views_of(brief);
    const Record record = record_of(brief);
    const Opinion opinion{.gain = judge_gain(brief, views, record),
                          .soundness = judge_soundness(brief, record),
                          .feasibility = judge_feasibility(brief, record),
                          .specificity = judge_specific(brief, record),
                          .risk = judge_risk(brief, record),
                          .testing = judge_testing(brief)};
    return assess_as(name(), brief, opinion, judge_forecast(brief, views, record), remarks_of(brief, record));
  }
};

}  // namespace

std::unique_ptr<Shark> historian_shark() {
  return std::make_unique<HistorianShark>();
}

}  // namespace thresher::tank
