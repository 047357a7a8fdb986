// Sealed forecasts against outcomes: proper scores, next weights, regret.
#include "tank/forecasts.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace thresher::tank {
namespace {

Assessment forecast_by(const std::string& shark, double p_win, double low, double high) {
  return {.shark = shark,
          .scores = {},
          .forecast = {.p_win = p_win, .low = low, .high = high},
          .remarks = {},
          .failure = {}};
}

/// A pitch that the panel scored `total` and that was measured, unless `speed_up` is nothing.
PitchRecord measured(const std::string& id, double total, Verdict verdict, std::optional<double> speed_up) {
  PitchRecord record;
  record.pitch.id = id;
  record.pitch.contestant = "contestant of " + id;
  record.panel = PanelScore{.pitch = id, .assessments = {}, .total = total, .criteria = {}, .forecast = {}};
  Outcome outcome;
  outcome.pitch = id;
  outcome.verdict = verdict;
  outcome.stopped_at = "full_race";
  outcome.speed_up = speed_up;
  record.outcome = outcome;
  return record;
}

CaseResult case_result(const std::string& name, double speed_up) {
  CaseResult result;
  result.case_name = name;
  result.speed_up = speed_up;
  return result;
}

const ForecastRecord& of(const ForecastReport& report, const std::string& who) {
  for (const ForecastRecord& one : report.records) {
    if (one.who == who) return one;
  }
  ADD_FAILURE() << "no record of " << who;
  return report.records.front();
}

// The seed's first round: everybody sure, everybody wrong.
TEST(Forecasts, ShowThatAUnanimousPanelCanBeWrong) {
  PitchRecord pipeline = measured("pipeline-stages", 9.0, Verdict::loss, 0.73);
  for (const char* shark : {"a", "b", "c", "d"}) {
    pipeline.panel->assessments.push_back(forecast_by(shark, 0.95, 1.2, 1.6));
  }
  pipeline.panel->forecast = {.p_win = 0.95, .low = 1.2, .high = 1.6};
  const PitchRecord ignored = measured("tiles", 4.0, Verdict::win, 1.10);
  const ForecastReport report = score_forecasts(std::vector<PitchRecord>{pipeline, ignored}, {}, {});
  for (const char* shark : {"a", "b", "c", "d"}) {
    EXPECT_NEAR(*of(report, shark).brier, 0.9025, 1e-12);
    EXPECT_LT(of(report, shark).next_weight, of(report, shark).weight);
    EXPECT_GT(*of(report, shark).interval_score, std::log(1.6 / 1.2) + 4.0);
  }
  EXPECT_NEAR(*report.regret, 1.10 / 0.73 - 1.0, 1e-12);
  EXPECT_NEAR(*report.random_regret, *report.regret / 2.0, 1e-12);
}

TEST(Forecasts, ScoreTheIntervalInLogsAtEightyPercent) {
  PitchRecord one = measured("p", 6.0, Verdict::win, 1.0);
  one.panel->assessments = {forecast_by("inside", 0.5, 0.5, 2.0),
                            forecast_by("above", 0.5, std::exp(0.1), std::exp(0.2))};
  const ForecastReport report = score_forecasts(std::vector<PitchRecord>{one}, {}, {});
  EXPECT_NEAR(*of(report, "inside").interval_score, 2.0 * std::log(2.0), 1e-12);
  EXPECT_NEAR(*of(report, "above").interval_score, 0.1 + 10.0 * 0.1, 1e-12);
}

TEST(Forecasts, CountEveryVerdictForBrierAndOnlyMeasuredEffectsForIntervals) {
  std::vector<PitchRecord> pitches;
  for (const Verdict verdict : {Verdict::win, Verdict::loss, Verdict::same, Verdict::ambiguous, Verdict::invalid,
                                Verdict::impossible, Verdict::error}) {
    PitchRecord one = measured(to_string(verdict), 5.0, verdict, 1.1);
    one.panel->assessments = {forecast_by("a", 0.5, 1.0, 1.2)};
    pitches.push_back(one);
    const bool effect = verdict == Verdict::win || verdict == Verdict::loss || verdict == Verdict::same ||
                        verdict == Verdict::ambiguous;
    EXPECT_EQ(measured_effect(*one.outcome).has_value(), effect) << to_string(verdict);
  }
  const ForecastReport report = score_forecasts(pitches, {}, {});
  EXPECT_EQ(of(report, "a").forecasts, 7);
  EXPECT_NEAR(*of(report, "a").brier, 0.25, 1e-12);
  EXPECT_NEAR(*of(report, "a").interval_score, std::log(1.2), 1e-12);
}

TEST(Forecasts, OnlyWinsFulfilAForecastOfAWin) {
  PitchRecord win = measured("w", 5.0, Verdict::win, 1.1);
  PitchRecord same = measured("s", 5.0, Verdict::same, 1.0);
  win.panel->assessments = same.panel->assessments = {forecast_by("a", 0.9, 1.0, 1.2)};
  EXPECT_NEAR(*of(score_forecasts(std::vector<PitchRecord>{win}, {}, {}), "a").brier, 0.01, 1e-12);
  EXPECT_NEAR(*of(score_forecasts(std::vector<PitchRecord>{same}, {}, {}), "a").brier, 0.81, 1e-12);
}

TEST(Forecasts, LeaveOutPitchesWithoutAnOutcomeAndSharksWithoutAVote) {
  PitchRecord one = measured("p", 5.0, Verdict::win, 1.1);
  one.panel->assessments = {forecast_by("a", 0.9, 1.0, 1.2), forecast_by("hanging", 0.9, 1.0, 1.2)};
  one.panel->assessments.back().failure = "no answer within 10 s";
  PitchRecord unmeasured = one;
  unmeasured.outcome.reset();
  const ForecastReport report = score_forecasts(std::vector<PitchRecord>{one, unmeasured}, {}, {});
  EXPECT_EQ(of(report, "a").forecasts, 1);
  for (const ForecastRecord& record : report.records) {
    EXPECT_NE(record.who, "hanging");
  }
  EXPECT_TRUE(score_forecasts(std::vector<PitchRecord>{unmeasured}, {}, {}).records.empty());
}

TEST(Forecasts, HoldContestantsToTheirPredictionsCaseByCase) {
  PitchRecord one = measured("p", 5.0, Verdict::loss, 0.9);
  one.pitch.predictions = {{.case_name = "x", .low = 1.0, .high = 1.2},
                           {.case_name = "y", .low = 1.0, .high = 1.2},
                           {.case_name = "not measured", .low = 1.0, .high = 1.2}};
  one.outcome->cases = {case_result("x", 1.1), case_result("y", 0.8)};
  const ForecastReport report = score_forecasts(std::vector<PitchRecord>{one}, {}, {});
  const ForecastRecord& record = of(report, "contestant of p");
  EXPECT_EQ(record.role, "contestant");
  EXPECT_EQ(record.forecasts, 2);
  EXPECT_FALSE(record.brier);
  EXPECT_NEAR(*record.interval_score, std::log(1.2) + 10.0 * std::log(1.0 / 0.8) / 2.0, 1e-12);
}

TEST(Forecasts, ListSharksThenContestantsThenThePanel) {
  PitchRecord one = measured("p", 5.0, Verdict::win, 1.1);
  one.panel->assessments = {forecast_by("b", 0.5, 1.0, 1.2), forecast_by("a", 0.5, 1.0, 1.2)};
  one.pitch.predictions = {{.case_name = "x", .low = 1.0, .high = 1.2}};
  one.outcome->cases = {case_result("x", 1.1)};
  std::string roles;
  for (const ForecastRecord& record : score_forecasts(std::vector<PitchRecord>{one}, {}, {}).records) {
    roles += record.role + ":" + record.who + " ";
  }
  EXPECT_EQ(roles, "shark:a shark:b contestant:contestant of p panel:panel ");
}

TEST(Forecasts, CarryWeightsFromRoundToRound) {
  PitchRecord one = measured("p", 5.0, Verdict::win, 1.1);
  one.panel->assessments = {forecast_by("a", 1.0, 1.0, 1.2)};
  const std::vector<ForecastRecord> earlier{
      {.who = "a", .role = "shark", .forecasts = 3, .brier = 0.0, .interval_score = 0.4},
      {.who = "a", .role = "contestant", .forecasts = 9, .brier = {}, .interval_score = 2.0},
      {.who = "panel", .role = "panel", .forecasts = 3, .brier = 0.2, .interval_score = 0.4}};
  const std::vector<TrackRecord> in_force = track_records(earlier);
  ASSERT_EQ(in_force.size(), 1U);
  EXPECT_EQ(in_force.front().forecasts, 3);
  EXPECT_NEAR(in_force.front().weight, 7.0 / 4.0, 1e-12);
  EXPECT_NEAR(*in_force.front().interval_score, 0.4, 1e-12);
  const ForecastReport report = score_forecasts(std::vector<PitchRecord>{one}, in_force, earlier);
  EXPECT_NEAR(of(report, "a").weight, 7.0 / 4.0, 1e-12);
  EXPECT_NEAR(of(report, "a").next_weight, 2.0, 1e-12);  // four perfect forecasts
}

TEST(Forecasts, FindAContestantsRecordOrNone) {
  const std::vector<ForecastRecord> earlier{
      {.who = "t", .role = "contestant", .forecasts = 4, .brier = {}, .interval_score = 0.3},
      {.who = "t", .role = "contestant", .forecasts = 4, .brier = {}, .interval_score = 0.5}};
  const auto record = contestant_record(earlier, "t");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->forecasts, 8);
  EXPECT_NEAR(*record->interval_score, 0.4, 1e-12);
  EXPECT_FALSE(contestant_record(earlier, "nobody").has_value());
}

TEST(Regret, IsNothingWhenTheFirstChoiceIsTheBest) {
  const std::vector<PitchRecord> pitches{measured("a", 7.0, Verdict::win, 1.2), measured("b", 6.0, Verdict::same, 1.0)};
  const ForecastReport report = score_forecasts(pitches, {}, {});
  EXPECT_NEAR(*report.regret, 0.0, 1e-12);
  EXPECT_NEAR(*report.random_regret, 0.1, 1e-12);
}

TEST(Regret, TakesAnInvalidPitchForTheBaselineItLeavesInForce) {
  const std::vector<PitchRecord> pitches{measured("cheat", 9.0, Verdict::invalid, 5.0),
                                         measured("honest", 6.0, Verdict::win, 1.2)};
  EXPECT_NEAR(*score_forecasts(pitches, {}, {}).regret, 0.2, 1e-12);
}

TEST(Regret, IsUnknownWhenTheFirstChoiceWasNotMeasured) {
  std::vector<PitchRecord> pitches{measured("a", 7.0, Verdict::win, 1.2), measured("b", 6.0, Verdict::same, 1.0)};
  pitches.front().outcome.reset();
  const ForecastReport report = score_forecasts(pitches, {}, {});
  EXPECT_FALSE(report.regret.has_value());
  EXPECT_NEAR(*report.random_regret, 0.0, 1e-12);
  EXPECT_FALSE(score_forecasts({}, {}, {}).random_regret.has_value());
}

}  // namespace
}  // namespace thresher::tank
