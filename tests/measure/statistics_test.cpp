// Statistics against values known exactly, and the interval's coverage against its promise.
#include "measure/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

using Values = std::vector<double>;

Values first(int n) {
  Values values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(Median, IsTheMiddleInAnyOrder) {
  EXPECT_EQ(median(Values{3, 1, 2}), 2.0);
  EXPECT_EQ(median(Values{4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median(Values{7}), 7.0);
}

TEST(Statistics, NoSampleNoNumber) {
  EXPECT_EQ(median({}), std::nullopt);
  EXPECT_EQ(quantile({}, 0.5), std::nullopt);
  EXPECT_EQ(median_absolute_deviation({}), std::nullopt);
  EXPECT_EQ(median_interval({}), std::nullopt);
  EXPECT_EQ(relative_precision({}), std::nullopt);
  EXPECT_EQ(relative_spread({}), std::nullopt);
  EXPECT_EQ(relative_spread(Values{1.0}), std::nullopt);
}

TEST(Statistics, RelativesOfAZeroMedianAreUndefined) {
  const Values zeros(20, 0.0);
  EXPECT_EQ(relative_spread(zeros), std::nullopt);
  EXPECT_EQ(relative_precision(zeros), std::nullopt);
}

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const Values values = {10, 0, 30, 20};
  EXPECT_EQ(quantile(values, 0.0), 0.0);
  EXPECT_EQ(quantile(values, 1.0), 30.0);
  EXPECT_DOUBLE_EQ(*quantile(values, 0.25), 7.5);
  EXPECT_THROW(quantile(values, -0.1), Error);
  EXPECT_THROW(quantile(values, 1.1), Error);
  EXPECT_THROW(quantile(values, std::nan("")), Error);
}

TEST(Statistics, RefuseNan) {
  const Values values = {1.0, std::nan(""), 2.0};
  EXPECT_THROW(median(values), Error);
  EXPECT_THROW(median_interval(values), Error);
}

TEST(Statistics, InfinityIsAnOutlierLikeAnyOther) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(median(Values{1, 2, infinity}), 2.0);
  EXPECT_EQ(quantile(Values{infinity, infinity, infinity}, 0.5), infinity);
}

TEST(MedianAbsoluteDeviation, IgnoresAnOutlier) {
  EXPECT_EQ(median_absolute_deviation(Values{1, 1, 2, 2, 4, 6, 900}), 1.0);
}

TEST(RelativeSpread, IsTheCoefficientOfVariationOfNormalSamples) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(100.0, 5.0);
  Values values(20001);
  for (double& value : values) {
    value = normal(random);
  }
  EXPECT_NEAR(*relative_spread(values), 0.05, 0.002);
}

// Ranks from the binomial distribution, as printed in tables of the sign test at 95 %.
TEST(MedianInterval, HasTheRanksOfTheSignTest) {
  EXPECT_EQ(median_interval(first(5)), std::nullopt);
  const std::vector<std::pair<int, int>> n_and_rank = {{6, 1},  {8, 1},  {9, 2},   {10, 2},
                                                       {20, 6}, {25, 8}, {50, 18}, {100, 40}};
  for (const auto& [n, rank] : n_and_rank) {
    SCOPED_TRACE(n);
    const std::optional<Interval> interval = median_interval(first(n));
    ASSERT_TRUE(interval.has_value());
    EXPECT_EQ(interval->low, rank);
    EXPECT_EQ(interval->high, n + 1 - rank);
  }
}

TEST(MedianInterval, SurvivesManySamples) {
  const std::optional<Interval> interval = median_interval(first(100000));
  ASSERT_TRUE(interval.has_value());
  // Normal approximation of the rank: n/2 - 1.96 * sqrt(n)/2.
  EXPECT_NEAR(interval->low, 50000 - 309.9, 3.0);
  EXPECT_NEAR(interval->high, 50000 + 309.9, 3.0);
}

TEST(MedianInterval, MoreConfidenceIsWiderAndConfidenceMustBeOne) {
  const Values values = first(40);
  EXPECT_LT(median_interval(values, 0.99)->low, median_interval(values, 0.80)->low);
  EXPECT_THROW(median_interval(values, 0.0), Error);
  EXPECT_THROW(median_interval(values, 1.0), Error);
}

template <typename Draw>
double coverage(int n, double true_median, Draw draw) {
  constexpr int kTrials = 4000;
  int covered = 0;
  Values values(static_cast<std::size_t>(n));
  for (int trial = 0; trial < kTrials; ++trial) {
    for (double& value : values) {
      value = draw();
    }
    const Interval interval = *median_interval(values);
    covered += interval.low <= true_median && true_median <= interval.high ? 1 : 0;
  }
  return covered / static_cast<double>(kTrials);
}

TEST(MedianInterval, CoversTheTrueMedianOfAnyDistribution) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> normal(3.0, 1.0);
  std::exponential_distribution<double> exponential(1.0);
  std::cauchy_distribution<double> cauchy(0.0, 1.0);
  std::lognormal_distribution<double> lognormal(0.0, 2.0);
  for (const int n : {6, 11, 30, 101}) {
    SCOPED_TRACE(n);
    // Nominal 95 %; one point for the noise of 4000 trials (3 standard errors).
    EXPECT_GE(coverage(n, 3.0, [&] { return normal(random); }), 0.94);
    EXPECT_GE(coverage(n, std::log(2.0), [&] { return exponential(random); }), 0.94);
    EXPECT_GE(coverage(n, 0.0, [&] { return cauchy(random); }), 0.94);
    EXPECT_GE(coverage(n, 1.0, [&] { return lognormal(random); }), 0.94);
  }
}

TEST(RelativePrecision, IsHalfTheIntervalOverTheMedian) {
  // n = 9: the 2nd and the 8th.
  EXPECT_DOUBLE_EQ(*relative_precision(first(9)), (8.0 - 2.0) / (2.0 * 5.0));
  EXPECT_EQ(relative_precision(Values(10, 2.0)), 0.0);
}

}  // namespace
}  // namespace thresher::measure
