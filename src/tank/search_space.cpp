// The configs that a search may try.
#include "tank/search_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

std::int64_t value_of(const CpuConfig& config, const std::string& knob) {
  if (knob == "block_m") return config.block_m;
  if (knob == "block_n") return config.block_n;
  if (knob == "block_k") return config.block_k;
  if (knob == "dequant_stages") return config.dequant_stages;
  if (knob == "prefetch_distance") return config.prefetch_distance;
  if (knob == "store") return static_cast<std::int64_t>(config.store);
  if (knob == "roles") return static_cast<std::int64_t>(config.roles);
  throw Error(ErrorCode::internal, fmt::format("no knob is called {}", knob));
}

void set_value(CpuConfig& config, const std::string& knob, std::int64_t value) {
  const auto small = static_cast<std::int32_t>(value);
  if (knob == "block_m") config.block_m = small;
  if (knob == "block_n") config.block_n = small;
  if (knob == "block_k") config.block_k = small;
  if (knob == "dequant_stages") config.dequant_stages = small;
  if (knob == "prefetch_distance") config.prefetch_distance = small;
  if (knob == "store") config.store = static_cast<StoreMode>(small);
  if (knob == "roles") config.roles = static_cast<Roles>(small);
}

// Values up to the first that covers `extent`.
std::vector<std::int64_t> up_to(std::vector<std::int64_t> values, std::int64_t extent) {
  const auto enough = std::find_if(values.begin(), values.end(), [extent](std::int64_t v) { return v >= extent; });
  if (enough != values.end()) values.erase(enough + 1, values.end());
  return values;
}

}  // namespace

SearchSpace::SearchSpace(std::vector<Knob> knobs, CpuConfig base,
                         std::function<std::optional<std::string>(const CpuConfig&)> why_invalid)
    : knobs_(std::move(knobs)), base_(base), why_invalid_(std::move(why_invalid)) {
  for (const Knob& knob : knobs_) {
    if (knob.values.empty() || !std::is_sorted(knob.values.begin(), knob.values.end())) {
      throw Error(ErrorCode::invalid_argument, fmt::format("knob {} needs values in rising order", knob.name));
    }
    static_cast<void>(value_of(base_, knob.name));
  }
}

CpuConfig SearchSpace::config(const Point& point) const {
  CpuConfig config = base_;
  for (std::size_t i = 0; i < knobs_.size(); ++i)
    set_value(config, knobs_[i].name, knobs_[i].values.at(point.at(i)));
  return config;
}

bool SearchSpace::contains(const Point& point) const {
  for (std::size_t i = 0; i < knobs_.size(); ++i)
    if (point[i] >= knobs_[i].values.size()) return false;
  return !why_invalid_(config(point));
}

Point SearchSpace::nearest(const CpuConfig& config) const {
  Point point;
  for (const Knob& knob : knobs_) {
    const std::int64_t wanted = value_of(config, knob.name);
    const auto closest = std::min_element(
        knob.values.begin(), knob.values.end(),
        [wanted](std::int64_t a, std::int64_t b) { return std::llabs(a - wanted) < std::llabs(b - wanted); });
    point.push_back(static_cast<std::size_t>(closest - knob.values.begin()));
  }
  return point;
}

std::vector<Point> SearchSpace::neighbours(const Point& point) const {
  std::vector<Point> found;
  for (std::size_t i = 0; i < knobs_.size(); ++i) {
    for (const std::size_t step : {point[i] + 1, point[i] - 1}) {
      if (step >= knobs_[i].values.size()) continue;  // below 0 wraps to the largest number
      Point next = point;
      next[i] = step;
      if (contains(next)) found.push_back(std::move(next));
    }
  }
  return found;
}

std::optional<std::vector<Point>> SearchSpace::all(std::size_t most) const {
  std::vector<Point> found;
  Point point(knobs_.size(), 0);
  while (true) {
    if (contains(point)) {
      if (found.size() == most) return std::nullopt;
      found.push_back(point);
    }
    std::size_t i = 0;
    while (i < knobs_.size() && ++point[i] == knobs_[i].values.size())
      point[i++] = 0;
    if (i == knobs_.size()) return found;
  }
}

std::optional<Point> SearchSpace::draw(const std::function<std::uint64_t(std::uint64_t)>& random) const {
  // More misses than this and valid points are so rare that drawing is the wrong way to find them.
  constexpr int kMostMisses = 10000;
  for (int miss = 0; miss < kMostMisses; ++miss) {
    Point point;
    for (const Knob& knob : knobs_)
      point.push_back(random(knob.values.size()));
    if (contains(point)) return point;
  }
  return std::nullopt;
}

std::vector<Knob> cpu_knobs(std::int64_t largest_k, std::int64_t largest_m, std::int64_t n) {
  return {{.name = "block_m", .values = up_to({16, 32, 64, 96, 128, 192, 256, 384, 512}, largest_m)},
          {.name = "block_n", .values = up_to({32, 64, 96, 128, 192, 256, 512, 1024}, n)},
          {.name = "block_k", .values = up_to({128, 256, 512, 768, 1024, 1536, 2048, 4096, 8192}, largest_k)},
          {.name = "dequant_stages", .values = {1, 2, 3, 4}},
          {.name = "prefetch_distance", .values = {0, 576, 1152, 2304, 4608, 9216, 18432}},
          {.name = "store", .values = {0, 1}},
          {.name = "roles", .values = {0, 1}}};
}

}  // namespace thresher::tank
