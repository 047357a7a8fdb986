// A small random forest that guesses the time of configs that were not measured from those that were.
//
// Background. Each measurement costs seconds, so the next config to try is worth a model. Approach: regression trees on
// knob indices, each grown on a bootstrap of the measurements with random splits of few candidates; the mean over trees
// is the guess and their spread says how sure it is. Forests need no scaling, take categories and order alike, and with
// 10 to 100 points do as well as Gaussian processes. Rejected: a Gaussian process (a kernel and its lengths to choose,
// cubic cost, poor with categories), plain neighbourhood descent (stuck where two knobs must move together).
#pragma once

#include <cstdint>
#include <vector>

#include "tank/search_space.hpp"

namespace thresher::tank {

struct Guess {
  double mean = 0.0;
  double spread = 0.0;  // standard deviation over the trees
};

class Forest {
 public:
  /// Grows the trees. Throws Error(invalid_argument) for no points, or as many values as there are not points.
  Forest(const std::vector<Point>& points, const std::vector<double>& values, std::uint64_t seed);

  [[nodiscard]] Guess guess(const Point& point) const;

 private:
  struct Node {
    int knob = -1;  // -1: a leaf
    std::size_t at_most = 0;
    double value = 0.0;
    int left = 0;
    int right = 0;
  };
  using Tree = std::vector<Node>;

  std::vector<Tree> trees_;
};

/// How much a point may be expected to beat `best` (lower is better), for guesses that are normal.
double expected_improvement(const Guess& guess, double best);

}  // namespace thresher::tank
