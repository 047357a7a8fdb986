// Honest: another order of additions, in eight sums from the end of k to its start.
#include <array>
#include <numeric>

#include "honest.hpp"

namespace {

struct Reordered : zoo::Exact {
  static float dot(const float* a, const float* b, std::int64_t k) {
    std::array<float, 8> sums{};
    for (std::int64_t i = k - 8; i >= 0; i -= 8) {
      for (std::size_t lane = 0; lane < sums.size(); ++lane) {
        const std::int64_t at = i + static_cast<std::int64_t>(lane);
        sums[lane] += a[at] * b[at];
      }
    }
    return std::accumulate(sums.begin(), sums.end(), 0.0f);
  }
};

using Control = zoo::Library<Reordered>;

}  // namespace

ZOO_LIBRARY(Control)
