// The e-process against exact enumeration: over all signs of given differences it must expect exactly 1.
#include "measure/e_process.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Sizes from a tenth of the noise to an outlier of 20 times.
const std::vector<double> kSizes = {0.003, 0.012, 0.007, 0.2, 0.001, 0.015, 0.009, 0.0, 0.02, 0.011, 0.004, 0.03};

struct Exact {
  double mean = 0.0;          // of the last value over all sign patterns
  double share_at_100 = 0.0;  // of patterns whose peak reached 100
};

// Plays every sign pattern of the sizes around `effect`, each as likely as another when the order coin is fair.
Exact play_all_signs(Null null, double theta, double effect, const std::vector<double>& sizes) {
  Exact exact;
  const unsigned patterns = 1u << sizes.size();
  for (unsigned pattern = 0; pattern < patterns; ++pattern) {
    EProcess process(null, theta);
    NoiseScale scale;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const double value = effect + ((pattern >> i) % 2 == 0 ? sizes[i] : -sizes[i]);
      process.add(value, scale.value());
      scale.add(value);
    }
    exact.mean += process.value() / patterns;
    exact.share_at_100 += process.ever_crossed(100.0) ? 1.0 / patterns : 0.0;
  }
  return exact;
}

TEST(EProcess, ExpectsExactlyOneOverAllSignsAtTheEdgeOfItsNull) {
  for (const Null null : {Null::effect_at_most, Null::effect_at_least}) {
    for (const double theta : {0.0, 0.005, -0.02}) {
      EXPECT_NEAR(play_all_signs(null, theta, theta, kSizes).mean, 1.0, 1e-9);
    }
  }
}

TEST(EProcess, ExpectsLessThanOneInsideItsNullAndMoreOutside) {
  EXPECT_LT(play_all_signs(Null::effect_at_most, 0.005, 0.0, kSizes).mean, 0.9);
  EXPECT_GT(play_all_signs(Null::effect_at_most, 0.005, 0.02, kSizes).mean, 5.0);
  EXPECT_LT(play_all_signs(Null::effect_at_least, -0.005, 0.0, kSizes).mean, 0.9);
  EXPECT_GT(play_all_signs(Null::effect_at_least, -0.005, -0.02, kSizes).mean, 5.0);
}

TEST(EProcess, CrossesOneHundredInAtMostOnePercentOfAllSignPatternsWheneverLookedAt) {
  std::vector<double> sizes = kSizes;
  sizes.insert(sizes.end(), {0.008, 0.013});
  const double share = play_all_signs(Null::effect_at_most, 0.0, 0.0, sizes).share_at_100;
  EXPECT_LE(share, 0.01);
  EXPECT_GT(share, 0.0005) << "a test that never rejects is valid and useless";
}

TEST(EProcess, StartsAtOneAndMirrorsWithTheSigns) {
  EProcess most(Null::effect_at_most, 0.005);
  EProcess least(Null::effect_at_least, -0.005);
  EXPECT_NEAR(most.value(), 1.0, 1e-12);
  EXPECT_EQ(most.blocks(), 0);
  for (const double value : {0.03, -0.01, 0.02}) {
    most.add(value, 0.01);
    least.add(-value, 0.01);
    EXPECT_DOUBLE_EQ(most.value(), least.value());
  }
  EXPECT_EQ(most.blocks(), 3);
}

TEST(EProcess, NeedsEightClearBlocksForOneHundredToOne) {
  EProcess process(Null::effect_at_most, 0.0);
  for (int block = 1; block <= 8; ++block) {
    EXPECT_FALSE(process.ever_crossed(100.0)) << block;
    process.add(1.0, 0.01);
  }
  EXPECT_TRUE(process.ever_crossed(100.0));
}

TEST(EProcess, RemembersItsPeakAndSurvivesAnOutlier) {
  EProcess process(Null::effect_at_most, 0.0);
  for (int block = 0; block < 12; ++block) {
    process.add(0.03, 0.01);
  }
  const double before = process.value();
  process.add(-1e6, 0.01);
  EXPECT_DOUBLE_EQ(process.peak(), before);
  EXPECT_NEAR(process.value(), 0.1 * before, 1e-6 * before);
  EXPECT_TRUE(process.ever_crossed(before));
}

TEST(EProcess, StaysFiniteOverAnEndlessRace) {
  EProcess up(Null::effect_at_most, 0.0);
  EProcess down(Null::effect_at_least, 0.0);
  for (int block = 0; block < 5000; ++block) {
    up.add(1.0, 0.01);
    down.add(1.0, 0.01);
  }
  EXPECT_GT(up.value(), 1e299);
  EXPECT_TRUE(std::isfinite(up.value()));
  EXPECT_GE(down.value(), 0.0);
  EXPECT_NEAR(down.peak(), 1.0, 1e-12);
}

TEST(EProcess, ProjectsTheBlocksThatAreThenNeeded) {
  EProcess process(Null::effect_at_most, 0.0);
  EXPECT_EQ(process.blocks_until(100.0), std::nullopt);
  for (int block = 0; block < 4; ++block) {
    process.add(0.01, 0.01);
  }
  const std::optional<int> projected = process.blocks_until(100.0);
  ASSERT_TRUE(projected);
  int needed = 0;
  for (; !process.ever_crossed(100.0); ++needed) {
    process.add(0.01, 0.01);
  }
  // The bets grow as projected; that several help one another saves at most a block or two.
  EXPECT_LE(needed, *projected);
  EXPECT_GE(needed, *projected - 2);
  EXPECT_EQ(process.blocks_until(100.0), 0);
}

TEST(EProcess, ProjectsNothingWhereNoBetGrows) {
  EProcess process(Null::effect_at_most, 0.005);
  for (int block = 0; block < 10; ++block) {
    process.add(-0.01, 0.01);
  }
  EXPECT_EQ(process.blocks_until(100.0), std::nullopt);
}

TEST(EProcess, RefusesWhatIsNoBlock) {
  EXPECT_THROW(EProcess(Null::effect_at_most, kNan), Error);
  EProcess process(Null::effect_at_most, 0.0);
  EXPECT_THROW(process.add(kNan, 0.01), Error);
  EXPECT_THROW(process.add(kInfinity, 0.01), Error);
  EXPECT_THROW(process.add(0.01, 0.0), Error);
  EXPECT_THROW(process.add(0.01, kNan), Error);
  EXPECT_THROW(static_cast<void>(process.blocks_until(0.0)), Error);
  EXPECT_EQ(process.blocks(), 0);
}

TEST(NoiseScale, StartsAtThePriorAndIgnoresTheSizeOfAConstantEffect) {
  NoiseScale scale;
  EXPECT_DOUBLE_EQ(scale.value(), NoiseScale::kPrior);
  for (int block = 0; block < 20; ++block) {
    scale.add(5.0);
  }
  EXPECT_DOUBLE_EQ(scale.value(), NoiseScale::kLeast);
}

TEST(NoiseScale, FollowsTheSpreadAndNotItsOutliers) {
  NoiseScale scale;
  for (int block = 0; block < 40; ++block) {
    scale.add(block % 2 == 0 ? 0.05 : -0.05);
  }
  EXPECT_NEAR(scale.value(), 1.4826 * 0.05, 1e-9);
  for (int block = 0; block < 5; ++block) {
    scale.add(10.0);
  }
  EXPECT_LT(scale.value(), 1.4826 * 0.11);
  EXPECT_THROW(scale.add(kNan), Error);
}

}  // namespace
}  // namespace thresher::measure
