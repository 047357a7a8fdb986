// What each built-in shark makes of a pitch with one thing wrong.
#include <gtest/gtest.h>

#include <set>

#include "tank/brief_fixture.hpp"
#include "tank/builtin_sharks.hpp"
#include "tank/shark_facts.hpp"

namespace thresher::tank {
namespace {

TEST(Sharks, FiveOfThemScoreEveryCriterionInOrderWithAReasonThatHoldsAFigure) {
  const BriefFixture fixture;
  std::set<std::string> names;
  for (const auto& shark : builtin_sharks()) {
    const Assessment assessment = shark->assess(fixture.brief());
    EXPECT_EQ(why_no_vote(assessment, fixture.rules), std::nullopt) << shark->name();
    EXPECT_EQ(assessment.shark, shark->name());
    EXPECT_FALSE(shark->looks_at().empty());
    names.insert(shark->name());
    for (const CriterionScore& one : assessment.scores) {
      EXPECT_FALSE(one.reason.empty()) << shark->name() << " on " << one.criterion;
    }
    for (const char* criterion : {"expected_gain", "kernel_specific_analysis", "risk_assessment"}) {
      EXPECT_NE(given(assessment, criterion).reason.find_first_of("0123456789"), std::string::npos)
          << shark->name() << " on " << criterion;
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"roofline", "compiler", "scheduler", "historian", "risk"}));
}

TEST(Sharks, ScoreCriteriaThatNobodyKnewByTheMeanOfTheKnownOnes) {
  BriefFixture fixture;
  fixture.rules.criteria.push_back({.name = "elegance", .base = 5.0});
  for (const auto& shark : builtin_sharks()) {
    const Assessment assessment = shark->assess(fixture.brief());
    double sum = 0.0;
    for (std::size_t i = 0; i < 6; ++i) {
      sum += assessment.scores[i].score;
    }
    ASSERT_EQ(assessment.scores.size(), 7U);
    EXPECT_NEAR(assessment.scores.back().score, sum / 6.0, 1e-12) << shark->name();
    EXPECT_TRUE(mentions(assessment.scores.back().reason, "elegance"));
  }
}

TEST(Sharks, SayTheSameAboutTheSameBriefEveryTime) {
  const BriefFixture one;
  const BriefFixture same;
  for (const auto& shark : builtin_sharks()) {
    const Assessment first = shark->assess(one.brief());
    const Assessment second = shark->assess(same.brief());
    EXPECT_EQ(first.forecast.p_win, second.forecast.p_win);
    EXPECT_EQ(first.forecast.low, second.forecast.low);
    EXPECT_EQ(first.forecast.high, second.forecast.high);
    EXPECT_EQ(first.remarks, second.remarks);
    for (std::size_t i = 0; i < first.scores.size(); ++i) {
      EXPECT_EQ(first.scores[i].score, second.scores[i].score);
      EXPECT_EQ(first.scores[i].reason, second.scores[i].reason);
    }
  }
}

// No observables, no baseline, no predictions, no evidence, no plan: sharks still vote, and nobody likes it.
TEST(Sharks, VoteAgainstAPitchAboutWhichNothingIsKnown) {
  BriefFixture fixture;
  const std::vector<double> liked = [&] {
    std::vector<double> odds;
    for (const auto& shark : builtin_sharks()) {
      odds.push_back(shark->assess(fixture.brief()).forecast.p_win);
    }
    return odds;
  }();
  fixture.pitch = Pitch();
  fixture.evidence.clear();
  fixture.candidate.clear();
  fixture.cases.front().baseline_seconds = std::nullopt;
  fixture.cases.back().baseline_seconds = std::nullopt;
  fixture.cases.back().baseline.values.clear();
  std::size_t i = 0;
  for (const auto& shark : builtin_sharks()) {
    const Assessment assessment = shark->assess(fixture.brief());
    EXPECT_EQ(why_no_vote(assessment, fixture.rules), std::nullopt) << shark->name();
    EXPECT_LE(given(assessment, "expected_gain").score, 5.0) << shark->name();
    EXPECT_LE(assessment.forecast.p_win, liked[i++]) << shark->name();
  }
}

TEST(Sharks, SurviveARoundWithoutCases) {
  BriefFixture fixture;
  fixture.cases.clear();
  for (const auto& shark : builtin_sharks()) {
    EXPECT_EQ(why_no_vote(shark->assess(fixture.brief()), fixture.rules), std::nullopt) << shark->name();
  }
}

TEST(Sharks, ReadOnlyFactsThatTheCatalogueHas) {
  for (const std::string_view name : observable::kAll) {
    EXPECT_NE(measure::find_observable(name), nullptr) << name;
  }
}

// ---- roofline -------------------------------------------------------------------------------------------------------

TEST(RooflineShark, CallsAClaimBeyondTheFloorImpossibleAndSaysByHowMuch) {
  BriefFixture fixture;
  fixture.predict(2.4, 3.0);  // headroom is 2 on both cases
  const Assessment assessment = roofline_shark()->assess(fixture.brief());
  EXPECT_EQ(given(assessment, "expected_gain").score, 0.0);
  EXPECT_TRUE(mentions(given(assessment, "expected_gain").reason, "impossible"));
  EXPECT_TRUE(mentions(given(assessment, "expected_gain").reason, "beyond the floor by 20 %"));
  EXPECT_LT(assessment.forecast.p_win, 0.01);
}

TEST(RooflineShark, HoldsTheClaimOfEveryCaseAgainstItsOwnFloor) {
  BriefFixture fixture;
  fixture.cases.back().baseline_seconds = 1.02 * fixture.cases.back().floor_seconds;
  const Assessment assessment = roofline_shark()->assess(fixture.brief());
  EXPECT_EQ(given(assessment, "expected_gain").score, 0.0);
  EXPECT_TRUE(mentions(given(assessment, "expected_gain").reason, "g2-k1536"));
}

TEST(RooflineShark, ScoresABiggerPossibleClaimHigherAndAnOverreachingOneLower) {
  BriefFixture fixture;
  const auto gain = [&](double low, double high) {
    fixture.predict(low, high);
    return given(roofline_shark()->assess(fixture.brief()), "expected_gain").score;
  };
  EXPECT_LT(gain(1.05, 1.10), gain(1.3, 1.5));
  EXPECT_LT(gain(1.3, 2.2), gain(1.3, 1.9));
}

// Reading all weights of g2-k4096 takes 28.3 MB / 34 GB/s = 0.83 ms of 262 ms: a prefetch wins 0.3 % at most.
TEST(RooflineShark, KnowsThatAPrefetchCannotWinMoreThanTheReadsCost) {
  BriefFixture fixture;
  const double free = given(roofline_shark()->assess(fixture.brief()), "soundness").score;
  const double free_high = roofline_shark()->assess(fixture.brief()).forecast.high;
  fixture.pitch.change.patch.fields = {{"prefetch_distance", "4096"}};
  const Assessment bound = roofline_shark()->assess(fixture.brief());
  EXPECT_LT(given(bound, "soundness").score, 1.0);
  EXPECT_GT(free, 7.0);
  EXPECT_TRUE(mentions(given(bound, "soundness").reason, "the reading of weights"));
  EXPECT_LT(bound.forecast.high, free_high - 0.05);
  for (CaseFacts& facts : fixture.cases) {
    facts.memory_bound = true;
  }
  EXPECT_GT(given(roofline_shark()->assess(fixture.brief()), "soundness").score, 7.0);
}

TEST(RooflineShark, GivesStreamingStoresOnlyTheTimeOfTheResults) {
  BriefFixture fixture;
  fixture.pitch.change.patch.fields = {{"store", "streaming"}};
  const CriterionScore score = given(roofline_shark()->assess(fixture.brief()), "soundness");
  EXPECT_LT(score.score, 1.0);
  EXPECT_TRUE(mentions(score.reason, "the storing of results"));
}

TEST(RooflineShark, NamesTheBytesOfNvfp4AndTheSmallMBelowWhichMemoryBinds) {
  const BriefFixture fixture;
  const std::string reason = given(roofline_shark()->assess(fixture.brief()), "kernel_specific_analysis").reason;
  EXPECT_TRUE(mentions(reason, "0.5625 bytes a weight")) << reason;
  EXPECT_TRUE(mentions(reason, "below m = 2")) << reason;  // 196e9 / 34e9 * 0.5625 / 2 = 1.6
  EXPECT_TRUE(mentions(reason, "g2-k4096: 910 flops a weight byte at mean m = 256")) << reason;
}

// ---- compiler -------------------------------------------------------------------------------------------------------

TEST(CompilerShark, PricesBuffersThatOutgrowL1) {
  BriefFixture fixture;
  const Assessment before = compiler_shark()->assess(fixture.brief());
  fixture.observe("panel_buffers", 3.0);  // 48 KiB of 32
  const Assessment after = compiler_shark()->assess(fixture.brief());
  EXPECT_LT(given(after, "soundness").score, given(before, "soundness").score);
  EXPECT_LT(given(after, "risk_assessment").score, given(before, "risk_assessment").score);
  EXPECT_LT(after.forecast.p_win, before.forecast.p_win);
  EXPECT_LT(after.forecast.low, before.forecast.low);
  EXPECT_TRUE(mentions(given(after, "soundness").reason, "outgrows L1"));
  EXPECT_TRUE(mentions(given(after, "soundness").reason, "16.0 KiB -> 48.0 KiB of L1 32.0 KiB"));
}

TEST(CompilerShark, FearsL2MoreThanL1) {
  BriefFixture l1;
  l1.observe("panel_buffer_bytes", 65536.0);
  BriefFixture l2;
  l2.observe("accumulators_per_task", 262144.0);
  const Assessment first = compiler_shark()->assess(l1.brief());
  const Assessment second = compiler_shark()->assess(l2.brief());
  EXPECT_LT(second.forecast.p_win, first.forecast.p_win);
  EXPECT_LT(given(second, "soundness").score, given(first, "soundness").score);
  EXPECT_TRUE(mentions(given(second, "soundness").reason, "outgrows L2"));
}

TEST(CompilerShark, RewardsAWorkingSetThatComesBackIntoItsCache) {
  BriefFixture fixture;
  for (CaseFacts& facts : fixture.cases) {
    set(facts.baseline, "accumulators_per_task", 262144.0);
  }
  const BriefFixture unchanged;
  EXPECT_GT(compiler_shark()->assess(fixture.brief()).forecast.p_win,
            compiler_shark()->assess(unchanged.brief()).forecast.p_win);
}

TEST(CompilerShark, SaysThatResourcesAreUnknownInsteadOfPraisingThem) {
  BriefFixture fixture;
  for (CaseFacts& facts : fixture.cases) {
    facts.baseline.values.clear();
  }
  const Assessment assessment = compiler_shark()->assess(fixture.brief());
  EXPECT_TRUE(mentions(given(assessment, "soundness").reason, "no resource was observed"));
  EXPECT_LE(given(assessment, "soundness").score, 3.0);
}

// ---- scheduler ------------------------------------------------------------------------------------------------------

TEST(SchedulerShark, CallsAPipelineWithNothingAheadNoPipeline) {
  BriefFixture fixture;
  fixture.pitch.category = Category::pipeline_stages;
  const Assessment none = scheduler_shark()->assess(fixture.brief());
  EXPECT_EQ(given(none, "soundness").score, 0.0);
  EXPECT_TRUE(mentions(given(none, "soundness").reason, "this is no pipeline"));
  fixture.observe("panels_ahead", 3584.0);
  const Assessment seen = scheduler_shark()->assess(fixture.brief());
  EXPECT_GT(given(seen, "soundness").score, 5.0);
  EXPECT_TRUE(mentions(given(seen, "soundness").reason, "at least 88 %"));
  EXPECT_GT(seen.forecast.p_win, 4.0 * none.forecast.p_win);
}

TEST(SchedulerShark, AsksForOverlapOfAnyPatchThatPromisesIt) {
  BriefFixture fixture;
  fixture.pitch.change.patch.fields = {{"dequant_stages", "3"}};
  EXPECT_EQ(given(scheduler_shark()->assess(fixture.brief()), "soundness").score, 0.0);
  fixture.pitch.change.patch.fields = {{"dequant_stages", "1"}};
  EXPECT_GT(given(scheduler_shark()->assess(fixture.brief()), "soundness").score, 5.0);
}

TEST(SchedulerShark, DoesNotTakeAnUnknownOverlapForOne) {
  BriefFixture fixture;
  fixture.pitch.category = Category::warp_specialization;
  for (measure::CaseObservables& one : fixture.candidate) {
    std::erase_if(one.values, [](const measure::Observable& value) { return value.name == "panels_ahead"; });
  }
  const Assessment assessment = scheduler_shark()->assess(fixture.brief());
  EXPECT_LE(given(assessment, "soundness").score, 2.0);
  EXPECT_TRUE(mentions(given(assessment, "soundness").reason, "nothing counted says"));
}

// From 20 to 5 % padding at full waves and 64 tokens a task: (1.2 + 4/64) / (1.05 + 4/64) = 1.13.
TEST(SchedulerShark, ExplainsAGainFromPaddingAndSeesATailGetWorse) {
  BriefFixture fixture;
  const Assessment better = scheduler_shark()->assess(fixture.brief());
  EXPECT_TRUE(mentions(given(better, "expected_gain").reason, "scheduling alone explains 1.13x"));
  fixture.observe("tasks", 3.0);
  fixture.observe("waves", 2.0);
  fixture.observe("utilisation", 0.75);
  fixture.observe("padding_fraction", 0.2);
  const Assessment worse = scheduler_shark()->assess(fixture.brief());
  EXPECT_TRUE(mentions(given(worse, "soundness").reason, "75 % of places used"));
  EXPECT_LT(worse.forecast.p_win, better.forecast.p_win / 2.0);
  EXPECT_LT(given(worse, "feasibility").score, given(better, "feasibility").score);
  EXPECT_LT(worse.forecast.low, 0.9);
}

TEST(SchedulerShark, CountsPaddingOnlyWhereItIsComputed) {
  BriefFixture fixture;
  fixture.device.kind = "cpu-avx2";
  EXPECT_TRUE(mentions(given(scheduler_shark()->assess(fixture.brief()), "expected_gain").reason,
                       "scheduling alone explains 1.00x"));
}

// Smaller token blocks dequantise every weight more often: (1 + 4/64) / (1 + 4/16) = 0.85.
TEST(SchedulerShark, ChargesSmallTokenBlocksForDequantisingAgainAndLostThreads) {
  BriefFixture fixture;
  fixture.device.kind = "cpu-avx2";
  fixture.observe("tokens_per_task", 16.0);
  const std::string small = given(scheduler_shark()->assess(fixture.brief()), "expected_gain").reason;
  EXPECT_TRUE(mentions(small, "scheduling alone explains 0.85x")) << small;
  fixture.observe("tokens_per_task", 64.0);
  fixture.observe("computing_threads", 1.0);
  const std::string fewer = given(scheduler_shark()->assess(fixture.brief()), "expected_gain").reason;
  EXPECT_TRUE(mentions(fewer, "scheduling alone explains 0.50x")) << fewer;
}

TEST(SchedulerShark, HoldsBytesInFlightAgainstLittlesLawAndNamesTheAssumption) {
  BriefFixture fixture;
  fixture.observe("bytes_in_flight", 2304.0);
  set(fixture.cases.front().baseline, "bytes_in_flight", 0.0);
  const std::string reason = given(scheduler_shark()->assess(fixture.brief()), "kernel_specific_analysis").reason;
  EXPECT_TRUE(mentions(reason, "0 B -> 2.2 KiB asked for ahead, Little's law wants 3.3 KiB at an assumed 100 ns"))
      << reason;
}

TEST(SchedulerShark, WantsThePlanOfAPipelineToCountPanelsAhead) {
  BriefFixture fixture;
  fixture.pitch.category = Category::pipeline_stages;
  EXPECT_LE(given(scheduler_shark()->assess(fixture.brief()), "incremental_testing").score, 2.0);
  fixture.pitch.test_plan[1].claim->observable = "panels_ahead";
  EXPECT_GE(given(scheduler_shark()->assess(fixture.brief()), "incremental_testing").score, 9.0);
}

}  // namespace
}  // namespace thresher::tank
