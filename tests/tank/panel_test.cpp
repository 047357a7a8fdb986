// How a panel's scores are put together: discounts, weights, order, and who has a vote.
#include "tank/panel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tank/brief_fixture.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

/// A shark that gives `score` on everything.
Assessment flat(const Rules& rules, const std::string& shark, double score, Forecast forecast = {}) {
  Assessment assessment{.shark = shark, .scores = {}, .forecast = forecast, .remarks = {}, .failure = {}};
  for (const Criterion& one : rules.criteria) {
    assessment.scores.push_back({.criterion = one.name, .score = score, .reason = "flat"});
  }
  return assessment;
}

std::vector<Assessment> builtin_assessments(const Brief& brief) {
  std::vector<Assessment> assessments;
  for (const auto& shark : builtin_sharks()) {
    assessments.push_back(shark->assess(brief));
  }
  return assessments;
}

PanelScore panel_of(const std::string& pitch, double total) {
  return {.pitch = pitch, .assessments = {}, .total = total, .criteria = {}, .forecast = {}};
}

TEST(PanelScore, IsTenWhenEverybodyGivesTenAndAllEvidenceHolds) {
  const BriefFixture fixture;
  const PanelScore result = score(fixture.brief(), {flat(fixture.rules, "a", 10.0)}, {});
  EXPECT_NEAR(result.total, 10.0, 1e-12);
  EXPECT_NEAR(result.raw_total, 1200.0, 1e-9);  // weights sum to 120 with the seed's adjustments
  EXPECT_EQ(result.pitch, "tiles");
}

TEST(PanelScore, DropsEvidenceCriteriaOfAGenericPitchUnderRoundTwoRulesOnly) {
  BriefFixture fixture;
  fixture.make_generic();
  const PanelScore second = score(fixture.brief(), {flat(fixture.rules, "a", 8.0)}, {});
  EXPECT_EQ(second.criteria, (std::vector<double>{0.0, 0.0, 8.0, 0.0, 8.0, 8.0}));
  EXPECT_NEAR(second.total, 8.0 * 40.0 / 120.0, 1e-12);
  fixture.rules = rules_of_round(1);
  const PanelScore first = score(fixture.brief(), {flat(fixture.rules, "a", 8.0)}, {});
  EXPECT_EQ(first.criteria, std::vector<double>(6, 8.0));
  EXPECT_NEAR(first.total, 8.0, 1e-12);
}

TEST(PanelScore, DropsACriterionWhoseClaimsDoNotHoldWhoeverScoredIt) {
  BriefFixture fixture;
  fixture.evidence[0].holds = false;  // the item on expected_gain
  const PanelScore result =
      score(fixture.brief(), {flat(fixture.rules, "a", 10.0), flat(fixture.rules, "b", 10.0)}, {});
  EXPECT_EQ(result.criteria[0], 0.0);
  EXPECT_NEAR(result.criteria[1], 10.0, 1e-12);
}

TEST(EvidenceFactor, IsTheMeanOverItemsWithGenericOnesDiscounted) {
  BriefFixture fixture;
  const auto factor = [&] { return evidence_factor(fixture.brief(), *fixture.rules.criteria.begin()); };
  fixture.drop_evidence();
  fixture.rules.require_kernel_specific = false;
  EXPECT_DOUBLE_EQ(factor().factor, 0.25);  // nothing at all counts like talk
  fixture.add_evidence(EvidenceKind::kernel_specific, "expected_gain", true);
  EXPECT_DOUBLE_EQ(factor().factor, 1.0);
  fixture.add_evidence(EvidenceKind::generic, "expected_gain", false);
  EXPECT_DOUBLE_EQ(factor().factor, (1.0 + 0.25) / 2.0);
  fixture.add_evidence(EvidenceKind::kernel_specific, "expected_gain", false);
  EXPECT_DOUBLE_EQ(factor().factor, (1.0 + 0.25) / 3.0);
  fixture.add_evidence(EvidenceKind::kernel_specific, "soundness", true);
  EXPECT_DOUBLE_EQ(factor().factor, (1.0 + 0.25) / 3.0);
  EXPECT_NE(factor().reason.find("(1 that hold + 0.25 x 1 generic) / 3 items = 0.42"), std::string::npos);
}

TEST(EvidenceFactor, LeavesCriteriaAloneThatAskForNone) {
  BriefFixture fixture;
  fixture.make_generic();
  EXPECT_EQ(evidence_factor(fixture.brief(), fixture.rules.criteria[2]).factor, 1.0);
  EXPECT_TRUE(evidence_factor(fixture.brief(), fixture.rules.criteria[2]).reason.empty());
}

// A generic item can't be made to hold: nobody looked anything up.
TEST(EvidenceFactor, DoesNotCountAGenericItemThatIsSaidToHold) {
  BriefFixture fixture;
  fixture.drop_evidence();
  fixture.add_evidence(EvidenceKind::generic, "expected_gain", true);
  EXPECT_EQ(evidence_factor(fixture.brief(), fixture.rules.criteria[0]).factor, 0.0);
}

TEST(PanelScore, TheSeedsShiftsOfTenFiveAndFiveChangeARanking) {
  BriefFixture fixture;
  Rules before = rules_of_round(1);
  Rules after = rules_of_round(2);
  after.require_history = after.require_kernel_specific = false;  // the shifts alone
  after.evidence_criteria.clear();
  const auto total = [&](const Rules& rules, const std::vector<double>& scores) {
    fixture.rules = rules;
    Assessment assessment = flat(rules, "a", 0.0);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      assessment.scores[i].score = scores[i];
    }
    return score(fixture.brief(), {assessment}, {}).total;
  };
  const std::vector<double> persuasive{8.0, 7.0, 6.0, 1.0, 1.0, 1.0};
  const std::vector<double> careful{6.0, 6.0, 6.0, 7.0, 7.0, 7.0};
  EXPECT_GT(total(before, persuasive), total(before, careful));
  EXPECT_LT(total(after, persuasive), total(after, careful));
}

TEST(PanelScore, WeighsSharksByTheirRecordInScoresAndForecasts) {
  const BriefFixture fixture;
  const Forecast sure{.p_win = 0.9, .low = 1.21, .high = 1.44};
  const Forecast doubtful{.p_win = 0.1, .low = 1.0, .high = 1.0};
  const TrackRecord heavy{.shark = "a", .forecasts = 9, .brier = {}, .interval_score = {}, .weight = 3.0};
  const std::vector<Assessment> both{flat(fixture.rules, "a", 8.0, sure), flat(fixture.rules, "b", 4.0, doubtful)};
  const PanelScore even = score(fixture.brief(), both, {});
  EXPECT_NEAR(even.total, 6.0, 1e-12);
  EXPECT_NEAR(even.forecast.p_win, 0.5, 1e-12);
  EXPECT_NEAR(even.forecast.low, 1.1, 1e-12);  // geometric
  EXPECT_NEAR(even.forecast.high, 1.2, 1e-12);
  const PanelScore weighted = score(fixture.brief(), both, std::vector<TrackRecord>{heavy});
  EXPECT_NEAR(weighted.total, 7.0, 1e-12);
  EXPECT_NEAR(weighted.forecast.p_win, 0.7, 1e-12);
}

TEST(PanelScore, GivesFailedAndMalformedAssessmentsNoVoteAndKeepsThem) {
  const BriefFixture fixture;
  const Assessment good = flat(fixture.rules, "good", 6.0);
  std::vector<Assessment> bad(8, flat(fixture.rules, "bad", 10.0));
  bad[0].failure = "no answer within 10 s";
  bad[1].scores.pop_back();
  bad[2].scores[1].criterion = "charm";
  bad[3].scores[1].score = 10.5;
  bad[4].scores[1].score = std::numeric_limits<double>::quiet_NaN();
  bad[5].forecast.p_win = 1.5;
  bad[6].forecast.low = 2.0;
  bad[7].forecast.high = std::numeric_limits<double>::infinity();
  for (const Assessment& one : bad) {
    const PanelScore result = score(fixture.brief(), {one, good}, {});
    EXPECT_NEAR(result.total, 6.0, 1e-12);
    ASSERT_EQ(result.assessments.size(), 2U);
    EXPECT_FALSE(result.assessments.front().failure.empty());
  }
}

TEST(PanelScore, IsRefusedWhenNobodyHasAVote) {
  const BriefFixture fixture;
  Assessment failed = flat(fixture.rules, "hanging", 5.0);
  failed.failure = "no answer within 10 s";
  try {
    score(fixture.brief(), {failed}, {});
    FAIL() << "scored without a vote";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("hanging: no answer within 10 s"), std::string::npos);
  }
}

TEST(Panel, IsRefusedWithoutHistoryUnderRulesThatRequireIt) {
  BriefFixture fixture;
  fixture.history.clear();
  EXPECT_THROW(score(fixture.brief(), {flat(fixture.rules, "a", 5.0)}, {}), Error);
  try {
    require_history(fixture.rules, fixture.history);
    FAIL() << "accepted an empty history";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("'round-2'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("'history' of round.toml"), std::string::npos);
  }
  fixture.rules = rules_of_round(1);
  EXPECT_NO_THROW(require_history(fixture.rules, fixture.history));
  EXPECT_NO_THROW(score(fixture.brief(), {flat(fixture.rules, "a", 5.0)}, {}));
}

TEST(Panel, OfTheBuiltinSharksPassesAGoodPitchAndRejectsAGenericOne) {
  BriefFixture fixture;
  const PanelScore good = score(fixture.brief(), builtin_assessments(fixture.brief()), {});
  EXPECT_GE(good.total, kPanelBar);
  fixture.make_generic();
  const PanelScore generic = score(fixture.brief(), builtin_assessments(fixture.brief()), {});
  EXPECT_LT(generic.total, kPanelBar);
  EXPECT_LT(generic.forecast.p_win, good.forecast.p_win);
}

// The disaster once more: a textbook pipeline whose buffers leave L1 and in which nothing is ahead of its use.
TEST(Panel, FundsTheTextbookPipelineUnderRoundOneRulesAndNotUnderRoundTwo) {
  BriefFixture fixture;
  fixture.make_generic();
  fixture.pitch.category = Category::pipeline_stages;
  fixture.pitch.summary = "Pipelining is industry standard.";
  fixture.pitch.change.patch.fields = {{"dequant_stages", "3"}};
  fixture.observe("panel_buffers", 3.0);
  fixture.predict(1.2, 1.6);
  BriefFixture forgetful = fixture;
  forgetful.rules = rules_of_round(1);
  forgetful.history.clear();
  const PanelScore first = score(forgetful.brief(), builtin_assessments(forgetful.brief()), {});
  EXPECT_EQ(fund(std::vector<PanelScore>{first}, 1).size(), 1U);
  fixture.binding = {seed_lesson()};
  const PanelScore second = score(fixture.brief(), builtin_assessments(fixture.brief()), {});
  EXPECT_TRUE(fund(std::vector<PanelScore>{second}, 1).empty());
  EXPECT_LT(second.total, first.total / 2.0);
  EXPECT_LT(second.forecast.p_win, first.forecast.p_win);
}

TEST(Ranking, PutsTheBestFirstAndBreaksTiesById) {
  const std::vector<PanelScore> scores{panel_of("c", 6.0), panel_of("a", 6.0), panel_of("d", 7.0), panel_of("b", 1.0)};
  EXPECT_EQ(ranking(scores), (std::vector<std::string>{"d", "a", "c", "b"}));
}

TEST(Fund, TakesTheBestAtOrAboveTheBarAndNoMoreThanAsked) {
  const std::vector<PanelScore> scores{panel_of("a", 4.999), panel_of("b", 5.0), panel_of("c", 9.0),
                                       panel_of("d", 7.0)};
  EXPECT_EQ(fund(scores, 10), (std::vector<std::string>{"c", "d", "b"}));
  EXPECT_EQ(fund(scores, 2), (std::vector<std::string>{"c", "d"}));
  EXPECT_TRUE(fund(scores, 0).empty());
  EXPECT_TRUE(fund(scores, -1).empty());
  EXPECT_TRUE(fund({}, 3).empty());
}

TEST(TrackRecord, StandsAtOneWithoutForecastsAndForACoin) {
  EXPECT_EQ(track_record("a", {}, {}).weight, 1.0);
  EXPECT_FALSE(track_record("a", {}, {}).brier);
  EXPECT_NEAR(track_record("a", std::vector<double>(50, 0.25), {}).weight, 1.0, 1e-12);
}

TEST(TrackRecord, GrowsWithSkillFromCautiousBeginningsAndStaysWithinItsBounds) {
  const auto weight = [](int forecasts, double brier) {
    return track_record("a", std::vector<double>(static_cast<std::size_t>(forecasts), brier), {}).weight;
  };
  EXPECT_NEAR(weight(1, 0.0), 1.25, 1e-12);  // one lucky forecast against four credited coin tosses
  EXPECT_NEAR(weight(4, 0.0), 2.0, 1e-12);
  EXPECT_LT(weight(4, 0.1), weight(4, 0.05));
  EXPECT_LT(weight(4, 0.5), 1.0);
  EXPECT_EQ(weight(1000, 0.0), 4.0);
  EXPECT_NEAR(weight(1000000, 1.0), 0.25, 1e-5);
  EXPECT_GE(weight(1000000, 1.0), 0.25);
}

TEST(TrackRecord, KeepsMeansAndRefusesWhatIsNoBrierScore) {
  const TrackRecord record = track_record("a", std::vector<double>{0.1, 0.3}, std::vector<double>{0.5, 1.5});
  EXPECT_EQ(record.forecasts, 2);
  EXPECT_NEAR(*record.brier, 0.2, 1e-12);
  EXPECT_NEAR(*record.interval_score, 1.0, 1e-12);
  EXPECT_THROW(track_record("a", std::vector<double>{1.5}, {}), Error);
  EXPECT_THROW(track_record("a", std::vector<double>{std::nan("")}, {}), Error);
}

}  // namespace
}  // namespace thresher::tank
