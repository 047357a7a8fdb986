// Lessons bind by category and scope, answers are looked up and not believed, and lessons are made of figures.
#include "tank/lesson.hpp"

#include <gtest/gtest.h>

#include "tank/round_definition.hpp"
#include "tank/toml_text.hpp"

namespace thresher::tank {
namespace {

using Facts = std::vector<measure::CaseObservables>;

Facts facts(double panels_ahead, double buffers, double other_case_panels) {
  return {{.case_name = "a",
           .config = "",
           .values = {{"panels_ahead", panels_ahead}, {"panel_buffers", buffers}, {"tasks", 9}, {"call_us", 100}}},
          {.case_name = "b",
           .config = "",
           .values = {{"panels_ahead", other_case_panels}, {"panel_buffers", buffers}, {"call_us", 200}}}};
}

const Facts kBefore = facts(0, 1, 0);
const Facts kAfter = facts(57344, 2, 11776);

ObservableClaim claim(const std::string& observable, Relation relation, std::optional<double> value = {},
                      std::optional<std::string> case_name = {}) {
  return {.observable = observable, .relation = relation, .value = value, .case_name = std::move(case_name)};
}

Pitch pitch_of(Category category) {
  Pitch pitch;
  pitch.id = "mine";
  pitch.category = category;
  pitch.change.patch = ConfigPatch::from_text("dequant_stages=2");
  pitch.predictions = {{.case_name = "a", .low = 1.02, .high = 1.1}};
  pitch.mechanism_observable = claim("panels_ahead", Relation::increases);
  return pitch;
}

std::vector<Lesson> seed_lessons() {
  return load_round(kSource / "rounds/01-pipeline-stages").recorded->lessons;
}

TEST(Binds, ByCategoryAndEverybodyWhereThereIsNone) {
  const std::vector<Lesson> lessons = seed_lessons();
  ASSERT_EQ(lessons.size(), 2u);
  for (int i = 0; i <= static_cast<int>(Category::other); ++i) {
    const Pitch pitch = pitch_of(static_cast<Category>(i));
    EXPECT_EQ(binds(lessons[0], pitch, "cpu-avx2", "gated"), pitch.category == Category::pipeline_stages);
    EXPECT_TRUE(binds(lessons[1], pitch, "cpu-avx2", "gated"));
  }
}

TEST(Binds, WithinItsScopeAlone) {
  const Pitch pitch = pitch_of(Category::tile_size);
  Lesson lesson;
  EXPECT_TRUE(binds(lesson, pitch, "cpu-avx2", "gated"));
  lesson.scope.device = "cpu";
  EXPECT_TRUE(binds(lesson, pitch, "cpu-avx2", "gated"));
  EXPECT_FALSE(binds(lesson, pitch, "cpux", "gated"));
  lesson.scope.device = "cpu-amx";
  EXPECT_FALSE(binds(lesson, pitch, "cpu-avx2", "gated"));
  lesson.scope.device = "any";
  lesson.scope.op = "plain";
  EXPECT_FALSE(binds(lesson, pitch, "cpu-avx2", "gated"));
  lesson.scope.op = "any";
  lesson.scope.cases = {"z"};
  EXPECT_FALSE(binds(lesson, pitch, "cpu-avx2", "gated"));
  lesson.scope.cases = {"z", "a"};
  EXPECT_TRUE(binds(lesson, pitch, "cpu-avx2", "gated"));
  lesson.binding = false;
  EXPECT_FALSE(binds(lesson, pitch, "cpu-avx2", "gated"));
}

TEST(CheckClaim, LooksUpBothSidesOnEveryCase) {
  struct Row {
    ObservableClaim claim;
    bool holds;
  };
  const std::vector<Row> rows = {
      {claim("panels_ahead", Relation::increases), true},
      {claim("panels_ahead", Relation::decreases), false},
      {claim("panels_ahead", Relation::differs), true},
      {claim("panels_ahead", Relation::at_least, 11776), true},
      {claim("panels_ahead", Relation::at_least, 11777), false},  // case b has less
      {claim("panels_ahead", Relation::at_least, 11777, "a"), true},
      {claim("panels_ahead", Relation::at_most, 57344), true},
      {claim("panels_ahead", Relation::at_most, 57343), false},
      {claim("panels_ahead", Relation::at_least), false},  // a bound without a value is no claim
      {claim("tasks", Relation::differs, {}, "a"), false},
      {claim("tasks", Relation::at_least, 1), true},        // nobody counted case b
      {claim("tasks", Relation::at_least, 1, "b"), false},  // which is no answer to who names it
      {claim("panels_ahead", Relation::increases, {}, "c"), false},
      {claim("lines_streamed", Relation::increases), false},
  };
  for (const Row& row : rows) {
    const ClaimCheck check = check_claim(row.claim, kBefore, kAfter);
    EXPECT_EQ(check.holds, row.holds) << check.finding;
  }
  EXPECT_EQ(check_claim(claim("panels_ahead", Relation::increases, {}, "a"), kBefore, kAfter).finding,
            "panels_ahead on a: 0 before, 57344 after");
  EXPECT_EQ(check_claim(claim("panels_ahead", Relation::increases), {}, {}).holds, false);
  const Facts one_side = {kAfter[0]};
  EXPECT_NE(check_claim(claim("panels_ahead", Relation::increases), kBefore, one_side).finding.find("unknown after"),
            std::string::npos);
}

class Answers : public ::testing::Test {
 protected:
  Answers() : pitch_(pitch_of(Category::pipeline_stages)), lessons_(seed_lessons()) {
    pitch_.kind = PitchKind::repitch;
    const ObservableClaim good = claim("panels_ahead", Relation::increases);
    pitch_.answers = {{"01-pipeline-stages/pipeline-stages", "filled", good},
                      {"01-pipeline-stages/industry-standard", "counted", good}};
  }

  // The check of the first lesson, after the second was found as it should be.
  AnswerCheck first() {
    const std::vector<AnswerCheck> checks = check_answers(pitch_, lessons_, kBefore, kAfter);
    EXPECT_EQ(checks.size(), 2u);
    EXPECT_EQ(checks.at(0).lesson, lessons_[0].id);
    EXPECT_TRUE(checks.at(1).accepted) << checks.at(1).reason;
    return checks.at(0);
  }

  void expect_refused(const std::string& why) {
    const AnswerCheck check = first();
    EXPECT_FALSE(check.accepted);
    EXPECT_NE(check.reason.find(why), std::string::npos) << check.reason;
  }

  Pitch pitch_;
  std::vector<Lesson> lessons_;
};

TEST_F(Answers, ARepitchWithATrueClaimIsAccepted) {
  const AnswerCheck check = first();
  EXPECT_TRUE(check.accepted);
  EXPECT_NE(check.reason.find("panels_ahead on a: 0 before, 57344 after"), std::string::npos) << check.reason;
}

TEST_F(Answers, ARepitchWithoutAnAnswerIsRefused) {
  pitch_.answers.erase(pitch_.answers.begin());
  expect_refused("no [[answer]] to lesson \"01-pipeline-stages/pipeline-stages\"");
}

TEST_F(Answers, WordsAloneAreRefused) {
  pitch_.answers[0].claim.reset();
  expect_refused("claims nothing that can be looked up");
}

TEST_F(Answers, AFalseClaimIsRefused) {
  pitch_.answers[0].claim = claim("lines_prefetched", Relation::increases);
  expect_refused("does not hold: lines_prefetched: known on no case of the round");
  pitch_.answers[0].claim = claim("panels_ahead", Relation::decreases);
  expect_refused("does not hold");
}

TEST_F(Answers, AClaimThatTheLessonDoesNotAcceptIsRefused) {
  pitch_.answers[0].claim = claim("panel_buffers", Relation::increases);
  expect_refused("panel_buffers, which the lesson does not accept; claim one of panels_ahead, panels_handed_over");
}

TEST_F(Answers, AClaimThatHeldBeforeTheChangeToo) {
  lessons_[0].retry_observables.clear();
  pitch_.answers[0].claim = claim("tasks", Relation::at_least, 9, "a");
  expect_refused("holds without the change too");
}

TEST_F(Answers, ATimeIsNoAnswer) {
  lessons_[0].retry_observables.clear();
  pitch_.answers[0].claim = claim("call_us", Relation::at_most, 1000);
  expect_refused("a time, which is for the race to decide");
}

TEST_F(Answers, APitchThatCouldNotBeObservedIsRefused) {
  for (const AnswerCheck& check : check_answers(pitch_, lessons_, kBefore, {})) {
    EXPECT_FALSE(check.accepted) << check.lesson;
  }
}

Outcome outcome_of(Verdict verdict, double speed_up) {
  Outcome outcome;
  outcome.pitch = "mine";
  outcome.verdict = verdict;
  outcome.stopped_at = "full_race";
  outcome.reason = "because";
  outcome.speed_up = speed_up;
  outcome.low = speed_up - 0.01;
  outcome.high = speed_up + 0.01;
  CaseResult a;
  a.case_name = "a";
  a.before_seconds = 0.1;
  a.after_seconds = 0.11;
  a.speed_up = 0.9;
  CaseResult b = a;
  b.case_name = "b";
  b.after_seconds = 0.1;
  b.speed_up = 1.0;
  outcome.cases = {a, b};
  return outcome;
}

TEST(LessonOf, ALossIsMadeOfWhatMovedAndWhatTheTimeDid) {
  const LessonScope scope{.device = "cpu-avx2", .op = "gated", .cases = {"a", "b"}, .regime = "cold"};
  const Lesson lesson =
      lesson_of("02", pitch_of(Category::pipeline_stages), outcome_of(Verdict::loss, 0.97), scope, kBefore, kAfter);
  EXPECT_EQ(lesson.id, "02/mine");
  EXPECT_EQ(lesson.category, Category::pipeline_stages);
  EXPECT_EQ(lesson.change, "dequant_stages=2");
  EXPECT_EQ(lesson.predicted, "speed-up 1.02 .. 1.1 on a");
  EXPECT_EQ(lesson.measured,
            "LOSS, speed-up 0.970 (0.960 .. 0.980): a 100 ms -> 110 ms, time +10.0 %, speed-up 0.900; b 100 ms -> 100 "
            "ms, time +0.0 %, speed-up 1.000");
  ASSERT_EQ(lesson.mechanisms.size(), 2u);
  // The fact that the contestant named comes first; times of single calls are not facts of a lesson.
  EXPECT_EQ(lesson.mechanisms[0], "panels_ahead 0 -> 11776 .. 57344, panel_buffers 1 -> 2; slower by 3.1 %");
  EXPECT_NE(lesson.mechanisms[1].find("panels_ahead increases, was seen"), std::string::npos) << lesson.mechanisms[1];
  EXPECT_NE(lesson.text.find("dequant_stages=2 on cpu-avx2, gated: slower by 3.1 % (worst case a: slower by 11.1 %)"),
            std::string::npos)
      << lesson.text;
  EXPECT_TRUE(lesson.binding);
  EXPECT_FALSE(lesson.recorded);
  EXPECT_TRUE(lesson.retry_observables.empty());
}

TEST(LessonOf, AMechanismThatWasNotSeenIsWhatARetryMustShow) {
  const Lesson lesson =
      lesson_of("02", pitch_of(Category::pipeline_stages), outcome_of(Verdict::loss, 0.97), {}, kBefore, kBefore);
  EXPECT_EQ(lesson.mechanisms[0], "no known fact moved; slower by 3.1 %");
  EXPECT_NE(lesson.mechanisms[1].find("was not seen"), std::string::npos);
  EXPECT_EQ(lesson.retry_observables, std::vector<std::string>{"panels_ahead"});
  EXPECT_EQ(lesson.retry, "show that panels_ahead increases this time");
}

TEST(LessonOf, WinsAndUndecidedRacesDoNotBind) {
  for (int i = 0; i <= static_cast<int>(Verdict::error); ++i) {
    const auto verdict = static_cast<Verdict>(i);
    const Lesson lesson = lesson_of("02", pitch_of(Category::other), outcome_of(verdict, 1.05), {}, kBefore, kAfter);
    EXPECT_EQ(lesson.binding, verdict != Verdict::win && verdict != Verdict::ambiguous) << to_string(verdict);
    EXPECT_NE(lesson.text.find("faster by 5.0 %"), std::string::npos) << lesson.text;
  }
}

TEST(LessonOf, AnOutcomeWithoutARaceSaysWhereItStopped) {
  Outcome outcome;
  outcome.verdict = Verdict::invalid;
  outcome.stopped_at = "correctness";
  outcome.reason = "3 elements are wrong";
  const Lesson lesson = lesson_of("02", pitch_of(Category::other), outcome, {}, kBefore, {});
  EXPECT_EQ(lesson.measured, "INVALID at correctness: 3 elements are wrong");
  EXPECT_NE(lesson.text.find("INVALID at correctness"), std::string::npos) << lesson.text;
  EXPECT_TRUE(lesson.binding);
}

}  // namespace
}  // namespace thresher::tank
