// Blocks, estimates and scores on values known by hand.
#include "measure/paired.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "measure/bootstrap.hpp"
#include "measure/estimate.hpp"
#include "measure/scores.hpp"
#include "synthetic_race.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

using Values = std::vector<double>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Powers of two: every mean of two is another number, so ranks can be told from values.
Values powers(int n) {
  Values values;
  for (int i = 0; i < n; ++i) {
    values.push_back(std::ldexp(1.0, i));
  }
  return values;
}

Values sorted_averages(const Values& values) {
  Values averages;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i; j < values.size(); ++j) {
      averages.push_back(0.5 * (values[i] + values[j]));
    }
  }
  std::sort(averages.begin(), averages.end());
  return averages;
}

TEST(LogRatio, IsPositiveWhereTheCandidateIsFasterAndBlindToALinearDrift) {
  EXPECT_NEAR(log_ratio({{2.0, 8.0}, {1.0, 4.0}}), std::log(2.0), 1e-15);
  EXPECT_NEAR(log_ratio({{1.0}, {2.0}}), -std::log(2.0), 1e-15);
  // ABBA under a drift of 10 % a slot.
  EXPECT_NEAR(log_ratio({{1.0, std::exp(0.3)}, {std::exp(0.1), std::exp(0.2)}}), 0.0, 1e-15);
}

TEST(LogRatio, RefusesMissingAndImpossibleTimes) {
  EXPECT_THROW(log_ratio({{}, {1.0}}), Error);
  EXPECT_THROW(log_ratio({{1.0}, {}}), Error);
  for (const double time : {0.0, -1.0, kNan, kInfinity}) {
    EXPECT_THROW(log_ratio({{1.0, time}, {1.0, 1.0}}), Error) << time;
    EXPECT_THROW(log_ratio({{1.0, 1.0}, {time, 1.0}}), Error) << time;
  }
}

TEST(RaceData, RefusesRaggedEmptyAndInvalidRaces) {
  EXPECT_THROW(RaceData{}.validate(), Error);
  EXPECT_THROW((RaceData{{{"a", {0.1, 0.2}}, {"b", {0.1}}}}.validate()), Error);
  EXPECT_THROW((RaceData{{{"a", {kNan}}}}.validate()), Error);
  EXPECT_NO_THROW((RaceData{{{"a", {}}}}.validate()));
}

TEST(RaceData, AveragesTheCasesOfEachBlock) {
  const RaceData race = {{{"a", {0.1, 0.2}}, {"b", {0.3, -0.2}}}};
  const Values means = geomean_log_ratios(race);
  ASSERT_EQ(means.size(), 2u);
  EXPECT_NEAR(means[0], 0.2, 1e-15);
  EXPECT_NEAR(means[1], 0.0, 1e-15);
  EXPECT_EQ(race.blocks(), 2);
}

TEST(HodgesLehmann, IsTheMedianOfThePairwiseMeans) {
  EXPECT_EQ(hodges_lehmann({}), std::nullopt);
  EXPECT_EQ(hodges_lehmann(Values{7.0}), 7.0);
  // Means 1, 1.5, 2, 5.5, 6, 10.
  EXPECT_EQ(hodges_lehmann(Values{10.0, 1.0, 2.0}), 3.75);
  EXPECT_THROW(hodges_lehmann(Values{1.0, kNan}), Error);
}

// The critical values of Wilcoxon's table, two-sided 5 %.
TEST(SignedRankInterval, TakesTheRanksOfThePublishedTable) {
  const std::vector<std::pair<int, std::size_t>> table = {{6, 0}, {8, 3}, {10, 8}, {15, 25}, {20, 52}, {30, 137}};
  for (const auto& [n, critical] : table) {
    const Values values = powers(n);
    const Values averages = sorted_averages(values);
    const std::optional<Interval> interval = signed_rank_interval(values, 0.95);
    ASSERT_TRUE(interval) << n;
    EXPECT_EQ(interval->low, averages[critical]) << n;
    EXPECT_EQ(interval->high, averages[averages.size() - 1 - critical]) << n;
  }
  EXPECT_EQ(signed_rank_interval(powers(5), 0.95), std::nullopt);
  EXPECT_EQ(signed_rank_interval({}, 0.95), std::nullopt);
  EXPECT_THROW(signed_rank_interval(powers(8), 1.0), Error);
}

TEST(SignedRankInterval, GoesOnSmoothlyWhereTheExactDistributionEnds) {
  Values values;
  for (int i = 0; i < 60; ++i) {
    values.push_back(i);
  }
  const Interval exact = *signed_rank_interval(values);
  values.push_back(29.5);
  const Interval approximate = *signed_rank_interval(values);
  EXPECT_NEAR(approximate.low, exact.low, 0.5);
  EXPECT_NEAR(approximate.high, exact.high, 0.5);
}

TEST(BootstrapMeanInterval, IsTheSameEachTimeAndMovesWithTheData) {
  const Values values = {0.01, 0.03, 0.02, 0.05, 0.02, 0.04, 0.03, 0.025};
  const Interval first = *bootstrap_mean_interval(values);
  const Interval again = *bootstrap_mean_interval(values);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  Values shifted = values;
  for (double& value : shifted) {
    value += 1.0;
  }
  EXPECT_NEAR(bootstrap_mean_interval(shifted)->low, first.low + 1.0, 1e-9);
  EXPECT_LT(bootstrap_mean_interval(values, 0.99)->low, first.low);
}

TEST(BootstrapMeanInterval, ReachesFurtherToTheSideOfALongTail) {
  const Values values = {0.0, 0.1, 0.2, 0.1, 0.3, 0.2, 0.1, 2.0, 0.4, 0.9};
  const double mean = 0.43;
  const Interval interval = *bootstrap_mean_interval(values);
  EXPECT_GT(interval.high - mean, 1.5 * (mean - interval.low));
}

TEST(BootstrapMeanInterval, HasNoAnswerForTooFewAndRefusesBadInput) {
  EXPECT_EQ(bootstrap_mean_interval(Values(5, 1.0)), std::nullopt);
  EXPECT_EQ(bootstrap_mean_interval(Values(6, 1.0))->low, 1.0);
  EXPECT_THROW(bootstrap_mean_interval(Values{1, 2, 3, 4, 5, kInfinity}), Error);
  EXPECT_THROW(bootstrap_mean_interval(powers(8), 0.999), Error);
}

TEST(AutocorrelationWidening, GrowsWithCorrelationAndFadesWithIndependentBlocks) {
  SyntheticMachine machine(5, calm_machine());
  Values independent;
  for (int i = 0; i < 2000; ++i) {
    independent.push_back(machine.block({0.0}).front());
  }
  EXPECT_NEAR(autocorrelation_widening(independent), 1.0, 0.06);
  Values slow = independent;
  for (std::size_t i = 1; i < slow.size(); ++i) {
    slow[i] += 0.5 * slow[i - 1];
  }
  // sqrt(1.5 / 0.5), and a little for caution.
  EXPECT_NEAR(autocorrelation_widening(slow), std::sqrt(3.0), 0.15);
  EXPECT_GE(autocorrelation_widening(Values(10, 1.0)), 1.0);
  EXPECT_EQ(autocorrelation_widening(Values{1.0}), 1.0);
}

TEST(Estimate, HasNoAnswerForTooFewBlocks) {
  EXPECT_EQ(estimate({}), std::nullopt);
  EXPECT_FALSE(estimate(Values(5, 0.1)));
  const std::optional<Estimate> six = estimate(Values(6, 0.1));
  ASSERT_TRUE(six);
  EXPECT_EQ(six->blocks, 6);
  EXPECT_DOUBLE_EQ(six->log_effect, 0.1);
}

TEST(Estimate, TellsTheTypicalGainFromTheAverage) {
  Values values(30, 0.03);
  for (std::size_t i = 0; i < 30; ++i) {
    values[i] += 0.001 * static_cast<double>(i % 5);
  }
  values[7] = values[19] = -0.9;
  const Estimate result = *estimate(values);
  EXPECT_NEAR(result.log_effect, 0.032, 0.002);
  EXPECT_GT(result.interval.low, 0.0);
  EXPECT_LT(result.mean_log_effect, 0.0);
}

TEST(NoiseFloor, BoundsTheBiasOfTwoCopies) {
  RaceData race = SyntheticMachine(11, restless_machine()).race(60, {0.0, 0.0, 0.0, 0.0});
  const double floor = *noise_floor(race);
  EXPECT_GT(floor, 0.0);
  EXPECT_LT(floor, 0.005);
  // A copy that is 1 % slower because of where it was loaded.
  for (CaseBlocks& one : race.cases) {
    for (double& value : one.log_ratios) {
      value -= 0.01;
    }
  }
  EXPECT_NEAR(*noise_floor(race), 0.01, 0.005);
  EXPECT_GT(*noise_floor(race), 0.01);
  EXPECT_EQ(noise_floor(SyntheticMachine(11, {}).race(5, {0.0})), std::nullopt);
}

TEST(BrierScore, IsTheSquaredMiss) {
  EXPECT_EQ(brier_score(1.0, true), 0.0);
  EXPECT_EQ(brier_score(1.0, false), 1.0);
  EXPECT_DOUBLE_EQ(brier_score(0.5, true), 0.25);
  EXPECT_DOUBLE_EQ(brier_score(0.8, false), 0.64);
  EXPECT_THROW(brier_score(1.1, true), Error);
  EXPECT_THROW(brier_score(kNan, true), Error);
}

TEST(BrierScore, IsBestForTheTrueProbability) {
  const auto expected = [](double forecast) {
    return 0.7 * brier_score(forecast, true) + 0.3 * brier_score(forecast, false);
  };
  for (int percent = 0; percent <= 100; ++percent) {
    if (percent != 70) {
      EXPECT_GT(expected(percent / 100.0), expected(0.7)) << percent;
    }
  }
}

TEST(IntervalScore, ChargesWidthAndMisses) {
  EXPECT_DOUBLE_EQ(interval_score({1.0, 3.0}, 2.0, 0.95), 2.0);
  EXPECT_NEAR(interval_score({1.0, 3.0}, 3.5, 0.95), 2.0 + 40.0 * 0.5, 1e-9);
  EXPECT_NEAR(interval_score({1.0, 3.0}, 0.9, 0.8), 2.0 + 10.0 * 0.1, 1e-9);
  EXPECT_THROW(interval_score({3.0, 1.0}, 2.0, 0.95), Error);
  EXPECT_THROW(interval_score({1.0, 3.0}, kNan, 0.95), Error);
  EXPECT_THROW(interval_score({1.0, 3.0}, 2.0, 1.0), Error);
}

}  // namespace
}  // namespace thresher::measure
