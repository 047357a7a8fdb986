// A small random forest over knob indices.
#include "tank/forest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "format/random.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

constexpr int kTrees = 48;
// Below this a split would follow the noise of single measurements.
constexpr std::size_t kSmallestSplit = 4;
constexpr int kSplitsTried = 12;

struct Split {
  int knob = -1;
  std::size_t at_most = 0;
  double error = 0.0;
};

double mean_of(const std::vector<double>& values, const std::vector<std::size_t>& members) {
  double sum = 0.0;
  for (const std::size_t i : members)
    sum += values[i];
  return sum / static_cast<double>(members.size());
}

double squared_error(const std::vector<double>& values, const std::vector<std::size_t>& members) {
  if (members.empty()) return 0.0;
  const double mean = mean_of(values, members);
  double sum = 0.0;
  for (const std::size_t i : members)
    sum += (values[i] - mean) * (values[i] - mean);
  return sum;
}

std::pair<std::vector<std::size_t>, std::vector<std::size_t>> part(const std::vector<Point>& points,
                                                                   const std::vector<std::size_t>& members,
                                                                   const Split& split) {
  std::pair<std::vector<std::size_t>, std::vector<std::size_t>> sides;
  for (const std::size_t i : members)
    (points[i][static_cast<std::size_t>(split.knob)] <= split.at_most ? sides.first : sides.second).push_back(i);
  return sides;
}

// The best of a few random cuts between two members; no cut when they all agree.
Split best_split(const std::vector<Point>& points, const std::vector<double>& values,
                 const std::vector<std::size_t>& members, Random& random) {
  Split best;
  for (int i = 0; i < kSplitsTried; ++i) {
    Split split;
    split.knob = static_cast<int>(random.below(points.front().size()));
    const auto knob = static_cast<std::size_t>(split.knob);
    const std::size_t a = points[members[random.below(members.size())]][knob];
    const std::size_t b = points[members[random.below(members.size())]][knob];
    if (a == b) continue;
    split.at_most = std::min(a, b);
    const auto [left, right] = part(points, members, split);
    split.error = squared_error(values, left) + squared_error(values, right);
    if (best.knob < 0 || split.error < best.error) best = split;
  }
  return best;
}

}  // namespace

Forest::Forest(const std::vector<Point>& points, const std::vector<double>& values, std::uint64_t seed) {
  if (points.empty() || points.size() != values.size()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} points with {} values can't be learnt from", points.size(), values.size()));
  }
  Random random(seed);
  for (int t = 0; t < kTrees; ++t) {
    Tree tree;
    std::vector<std::pair<int, std::vector<std::size_t>>> open(1);
    for (std::size_t i = 0; i < points.size(); ++i)
      open.front().second.push_back(random.below(points.size()));
    tree.emplace_back();
    while (!open.empty()) {
      const auto [index, members] = std::move(open.back());
      open.pop_back();
      Node node;
      node.value = mean_of(values, members);
      const Split split = members.size() < kSmallestSplit ? Split{} : best_split(points, values, members, random);
      if (split.knob >= 0) {
        auto [left, right] = part(points, members, split);
        node.knob = split.knob;
        node.at_most = split.at_most;
        node.left = static_cast<int>(tree.size());
        node.right = node.left + 1;
        tree.resize(tree.size() + 2);
        open.emplace_back(node.left, std::move(left));
        open.emplace_back(node.right, std::move(right));
      }
      tree[static_cast<std::size_t>(index)] = node;
    }
    trees_.push_back(std::move(tree));
  }
}

Guess Forest::guess(const Point& point) const {
  std::vector<double> votes;
  for (const Tree& tree : trees_) {
    const Node* node = &tree.front();
    while (node->knob >= 0) {
      const bool left = point[static_cast<std::size_t>(node->knob)] <= node->at_most;
      node = &tree[static_cast<std::size_t>(left ? node->left : node->right)];
    }
    votes.push_back(node->value);
  }
  Guess guess;
  guess.mean = std::accumulate(votes.begin(), votes.end(), 0.0) / static_cast<double>(votes.size());
  for (const double vote : votes)
    guess.spread += (vote - guess.mean) * (vote - guess.mean);
  guess.spread = std::sqrt(guess.spread / static_cast<double>(votes.size()));
  return guess;
}

double expected_improvement(const Guess& guess, double best) {
  if (guess.spread <= 0.0) return std::max(0.0, best - guess.mean);
  const double z = (best - guess.mean) / guess.spread;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
  const double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  return (best - guess.mean) * below + guess.spread * density;
}

}  // namespace thresher::tank
