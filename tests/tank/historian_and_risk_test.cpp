// The two sharks that judge how a pitch was made, and how beliefs become forecasts.
#include <gtest/gtest.h>

#include <cmath>

#include "tank/brief_fixture.hpp"
#include "tank/builtin_sharks.hpp"
#include "tank/shark_facts.hpp"

namespace thresher::tank {
namespace {

// ---- historian ------------------------------------------------------------------------------------------------------

BriefFixture repitch(bool answered) {
  BriefFixture fixture;
  fixture.pitch.kind = PitchKind::repitch;
  fixture.pitch.category = Category::pipeline_stages;
  fixture.pitch.earlier = "01-pipeline-stages/pipeline-stages";
  fixture.binding = {seed_lesson()};
  fixture.answers = {{.lesson = seed_lesson().id, .accepted = answered, .reason = "looked up"}};
  return fixture;
}

TEST(HistorianShark, CitesALessonThatIsNotAnsweredAndLowersItsOdds) {
  const Assessment bad = historian_shark()->assess(repitch(false).brief());
  const Assessment good = historian_shark()->assess(repitch(true).brief());
  EXPECT_LT(given(bad, "soundness").score, 1.0);
  EXPECT_GT(given(good, "soundness").score, 6.0);
  EXPECT_LT(bad.forecast.p_win, good.forecast.p_win / 3.0);
  for (const Assessment& one : {bad, good}) {
    EXPECT_TRUE(mentions(given(one, "soundness").reason, "01-pipeline-stages/pipeline-stages"));
    EXPECT_TRUE(mentions(given(one, "expected_gain").reason, "0 wins in 1 attempts"));
    ASSERT_FALSE(one.remarks.empty());
    EXPECT_TRUE(mentions(one.remarks.front(), "01-pipeline-stages/pipeline-stages"));
  }
}

TEST(HistorianShark, RemembersThatRoundOneWasUnanimousAndGeneric) {
  BriefFixture fixture;
  const Assessment specific = historian_shark()->assess(fixture.brief());
  fixture.make_generic();
  const Assessment generic = historian_shark()->assess(fixture.brief());
  EXPECT_LT(generic.forecast.p_win, specific.forecast.p_win / 2.0);
  EXPECT_LE(given(generic, "soundness").score, 3.0);
  EXPECT_TRUE(mentions(given(generic, "soundness").reason, "unanimous and wrong"));
}

TEST(HistorianShark, ScoresIndustryStandardsDownUnlessSomethingHoldsHere) {
  BriefFixture fixture;
  fixture.pitch.summary = "This is an Industry Standard technique.";
  const BriefFixture plain;
  EXPECT_EQ(given(historian_shark()->assess(fixture.brief()), "soundness").score,
            given(historian_shark()->assess(plain.brief()), "soundness").score);
  fixture.make_generic();
  const Assessment talk = historian_shark()->assess(fixture.brief());
  EXPECT_LE(given(talk, "soundness").score, 1.0);
  EXPECT_EQ(given(talk, "kernel_specific_analysis").score, 0.0);
  EXPECT_TRUE(mentions(given(talk, "kernel_specific_analysis").reason, "industry standard"));
}

TEST(HistorianShark, WantsThePlanToTestWhatTheLessonsAskNotWhatThePitchPrefers) {
  BriefFixture fixture = repitch(true);
  EXPECT_LE(given(historian_shark()->assess(fixture.brief()), "incremental_testing").score, 3.0);
  fixture.pitch.test_plan[1].claim->observable = "panels_ahead";
  EXPECT_GE(given(historian_shark()->assess(fixture.brief()), "incremental_testing").score, 9.0);
}

TEST(HistorianShark, RecognisesTheVerySameChange) {
  BriefFixture fixture;
  fixture.history.front().change = fixture.pitch.change.patch.to_text();
  const Assessment assessment = historian_shark()->assess(fixture.brief());
  EXPECT_LE(given(assessment, "feasibility").score, 2.0);
  EXPECT_TRUE(mentions(given(assessment, "feasibility").reason, "24 to 46 % slower"));
}

TEST(HistorianShark, GivesAContestantWhoMissedBeforeAWiderInterval) {
  BriefFixture fixture;
  const Forecast before = historian_shark()->assess(fixture.brief()).forecast;
  fixture.contestant = TrackRecord{.shark = "Tile Size", .forecasts = 4, .brier = {}, .interval_score = 0.8};
  const Assessment after = historian_shark()->assess(fixture.brief());
  EXPECT_GT(after.forecast.high / after.forecast.low, before.high / before.low * 1.2);
  EXPECT_TRUE(mentions(after.remarks.back(), "4 earlier predictions"));
}

TEST(HistorianShark, CountsAPitchThatLeftTwoLessonsOnce) {
  std::vector<Lesson> history{seed_lesson(), seed_lesson()};
  history.back().id = "01-pipeline-stages/industry-standard";
  history.back().category = std::nullopt;
  EXPECT_DOUBLE_EQ(prior_odds(history), 0.5);
  EXPECT_DOUBLE_EQ(prior_odds({}), 1.0);
}

// ---- risk -----------------------------------------------------------------------------------------------------------

TEST(RiskShark, GivesNothingForTestingWithoutAPlan) {
  BriefFixture fixture;
  EXPECT_EQ(given(risk_shark()->assess(fixture.brief()), "incremental_testing").score, 10.0);
  fixture.pitch.test_plan.clear();
  EXPECT_EQ(given(risk_shark()->assess(fixture.brief()), "incremental_testing").score, 0.0);
}

TEST(RiskShark, NamesTheGatesThatAreMissingAndWantsTheCheapestFirst) {
  BriefFixture fixture;
  std::swap(fixture.pitch.test_plan.front(), fixture.pitch.test_plan.back());
  const CriterionScore unordered = given(risk_shark()->assess(fixture.brief()), "incremental_testing");
  EXPECT_EQ(unordered.score, 7.0);
  EXPECT_TRUE(mentions(unordered.reason, "not in the order"));
  fixture.pitch.test_plan = {{.kind = TestStepKind::full_race, .cases = {}, .claim = {}}};
  const CriterionScore lone = given(risk_shark()->assess(fixture.brief()), "incremental_testing");
  EXPECT_EQ(lone.score, 2.0);
  EXPECT_TRUE(mentions(lone.reason, "without config, observable, correctness, short_race")) << lone.reason;
}

TEST(RiskShark, ScoresNoRiskAssessmentWithoutRisksAndMoreWithMitigations) {
  BriefFixture fixture;
  const double mitigated = given(risk_shark()->assess(fixture.brief()), "risk_assessment").score;
  for (Risk& risk : fixture.pitch.risks) {
    risk.mitigation.clear();
  }
  const double named = given(risk_shark()->assess(fixture.brief()), "risk_assessment").score;
  fixture.pitch.risks.clear();
  EXPECT_GT(mitigated, named);
  EXPECT_GT(named, 0.0);
  EXPECT_EQ(given(risk_shark()->assess(fixture.brief()), "risk_assessment").score, 0.0);
}

TEST(RiskShark, CallsNarrowPredictionsOverconfidentAndWideOnesEmpty) {
  BriefFixture fixture;
  const Assessment fair = risk_shark()->assess(fixture.brief());
  fixture.predict(1.100, 1.101);
  const Assessment narrow = risk_shark()->assess(fixture.brief());
  fixture.predict(0.8, 1.6);
  const Assessment wide = risk_shark()->assess(fixture.brief());
  EXPECT_TRUE(mentions(given(narrow, "soundness").reason, "overconfident"));
  EXPECT_TRUE(mentions(given(wide, "soundness").reason, "rule out little"));
  EXPECT_LT(given(narrow, "soundness").score, given(wide, "soundness").score);
  EXPECT_LT(given(wide, "soundness").score, given(fair, "soundness").score);
  EXPECT_LT(narrow.forecast.p_win, fair.forecast.p_win);
}

TEST(RiskShark, CountsKnobsAndALibraryAsBlastRadius) {
  BriefFixture fixture;
  const double one = given(risk_shark()->assess(fixture.brief()), "feasibility").score;
  fixture.pitch.change.patch.fields.push_back({"block_n", "64"});
  fixture.pitch.change.patch.fields.push_back({"block_k", "512"});
  const double three = given(risk_shark()->assess(fixture.brief()), "feasibility").score;
  fixture.pitch.change.patch.fields.clear();
  fixture.pitch.change.library = "kernel.so";
  const double library = given(risk_shark()->assess(fixture.brief()), "feasibility").score;
  EXPECT_GT(one, three);
  EXPECT_GT(three, library);
}

// ---- forecasts ------------------------------------------------------------------------------------------------------

TEST(Belief, BecomesTheMeanAndSpreadOfItsTwoOutcomes) {
  const Forecast even = forecast_of({.odds = 1.0, .works = 0.2, .fails = 0.0, .spread = 0.0});
  EXPECT_DOUBLE_EQ(even.p_win, 0.5);
  EXPECT_NEAR(std::log(even.low * even.high) / 2.0, 0.1, 1e-12);
  EXPECT_NEAR(std::log(even.high / even.low), 2.0 * 1.2815515594 * 0.1, 1e-9);
  EXPECT_GT(forecast_of({.odds = 0.0}).p_win, 0.0);
  EXPECT_LT(forecast_of({.odds = 1e9}).p_win, 1.0);
}

TEST(Claim, CountsACaseThatThePitchIsSilentAboutAsNoChange) {
  BriefFixture fixture;
  fixture.predict(1.21, 1.21);
  fixture.pitch.predictions.pop_back();
  const Claim claim = claim_of(views_of(fixture.brief()));
  EXPECT_EQ(claim.predicted, 1);
  EXPECT_NEAR(claim.middle, std::log(1.1), 1e-12);
}

}  // namespace
}  // namespace thresher::tank
