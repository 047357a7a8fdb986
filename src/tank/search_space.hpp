// The configs that a search may try: every combination of listed values that can run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "thresher/config.hpp"

namespace thresher::tank {

/// One knob and the values that are worth trying, in rising order.
struct Knob {
  std::string name;
  std::vector<std::int64_t> values;
};

/// A point as indices into the knobs' values.
using Point = std::vector<std::size_t>;

class SearchSpace {
 public:
  /// `base` gives what the knobs leave alone (isa, threads). A point that `why_invalid` names a reason for is not in
  /// the space.
  SearchSpace(std::vector<Knob> knobs, CpuConfig base,
              std::function<std::optional<std::string>(const CpuConfig&)> why_invalid);

  [[nodiscard]] const std::vector<Knob>& knobs() const { return knobs_; }
  [[nodiscard]] CpuConfig config(const Point& point) const;
  [[nodiscard]] bool contains(const Point& point) const;

  /// The nearest point to a resolved config: per knob the closest listed value.
  [[nodiscard]] Point nearest(const CpuConfig& config) const;

  /// Valid points that differ in one knob by one step.
  [[nodiscard]] std::vector<Point> neighbours(const Point& point) const;

  /// Every valid point, or nothing when there are more than `most`.
  [[nodiscard]] std::optional<std::vector<Point>> all(std::size_t most) const;

  /// A valid point drawn from `random` (a number below its argument each call).
  [[nodiscard]] std::optional<Point> draw(const std::function<std::uint64_t(std::uint64_t)>& random) const;

 private:
  std::vector<Knob> knobs_;
  CpuConfig base_;
  std::function<std::optional<std::string>(const CpuConfig&)> why_invalid_;
};

/// The knobs of the CPU kernels for problems whose k is at most `largest_k`. Values outside are not worth trying: block
/// sizes below a tile waste it, and above the problem they change nothing.
std::vector<Knob> cpu_knobs(std::int64_t largest_k, std::int64_t largest_m, std::int64_t n);

}  // namespace thresher::tank
