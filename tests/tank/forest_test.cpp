// The forest learns what it was shown, and says how sure it is.
#include "tank/forest.hpp"

#include <cmath>

#include "format/random.hpp"
#include "toml_text.hpp"

namespace thresher::tank {
namespace {

TEST(Forest, LearnsWhichKnobMatters) {
  std::vector<Point> points;
  std::vector<double> values;
  Random random(3);
  for (int i = 0; i < 60; ++i) {
    points.push_back({random.below(6), random.below(6), random.below(2)});
    values.push_back(points.back()[0] <= 2 ? 1.0 : 2.0);
  }
  const Forest forest(points, values, 1);
  int right = 0;
  for (std::size_t a = 0; a < 6; ++a)
    for (std::size_t b = 0; b < 6; ++b)
      right += std::abs(forest.guess({a, b, b % 2}).mean - (a <= 2 ? 1.0 : 2.0)) < 0.3 ? 1 : 0;
  EXPECT_GE(right, 34);
}

TEST(Forest, IsSureOfAConstantAndTheSameForTheSameSeed) {
  const std::vector<Point> points = {{0}, {1}, {2}, {3}, {4}};
  const Forest flat(points, {2.0, 2.0, 2.0, 2.0, 2.0}, 7);
  EXPECT_DOUBLE_EQ(flat.guess({9}).mean, 2.0);
  EXPECT_DOUBLE_EQ(flat.guess({9}).spread, 0.0);
  const Forest one(points, {1.0, 2.0, 3.0, 4.0, 5.0}, 7);
  const Forest two(points, {1.0, 2.0, 3.0, 4.0, 5.0}, 7);
  EXPECT_EQ(one.guess({2}).mean, two.guess({2}).mean);
  EXPECT_GT(one.guess({2}).spread, 0.0);
}

TEST(Forest, RefusesWhatCanNotBeLearntFrom) {
  expect_error(ErrorCode::invalid_argument, {"0 points"}, [] { Forest({}, {}, 1); });
  expect_error(ErrorCode::invalid_argument, {"1 points", "2 values"}, [] { Forest({{0}}, {1.0, 2.0}, 1); });
}

TEST(ExpectedImprovement, GrowsWithHopeAndWithDoubtAndIsNeverNegative) {
  EXPECT_GT(expected_improvement({.mean = 1.0, .spread = 0.1}, 2.0),
            expected_improvement({.mean = 1.5, .spread = 0.1}, 2.0));
  EXPECT_GT(expected_improvement({.mean = 2.0, .spread = 0.5}, 2.0),
            expected_improvement({.mean = 2.0, .spread = 0.1}, 2.0));
  EXPECT_DOUBLE_EQ(expected_improvement({.mean = 3.0, .spread = 0.0}, 2.0), 0.0);
  EXPECT_DOUBLE_EQ(expected_improvement({.mean = 1.0, .spread = 0.0}, 2.0), 1.0);
  EXPECT_NEAR(expected_improvement({.mean = 2.0, .spread = 1.0}, 2.0), 1.0 / std::sqrt(2.0 * M_PI), 1e-12);
  for (double mean = -5.0; mean < 20.0; mean += 0.5)
    EXPECT_GE(expected_improvement({.mean = mean, .spread = 0.3}, 2.0), -1e-15) << mean;
}

}  // namespace
}  // namespace thresher::tank
