// Choosing which output elements to check.
#include <algorithm>
#include <numeric>

#include "format/random.hpp"
#include "reference/grouped_gemm.hpp"

namespace thresher::reference {
namespace {

// `must` and enough draws of 0 .. count-1 to make `most`, ascending, without repetition.
std::vector<std::int64_t> draw(std::vector<std::int64_t> must, std::int64_t count, std::int64_t most, Random random) {
  if (count <= most) {
    must.resize(static_cast<std::size_t>(count));
    std::iota(must.begin(), must.end(), 0);
    return must;
  }
  const auto bound = static_cast<std::uint64_t>(count);
  while (static_cast<std::int64_t>(must.size()) < most)
    must.push_back(random.below(bound));
  std::sort(must.begin(), must.end());
  must.erase(std::unique(must.begin(), must.end()), must.end());
  return must;
}

}  // namespace

Selection select_all(const Problem& problem) {
  Selection all;
  all.rows.resize(static_cast<std::size_t>(problem.total_m()));
  all.cols.resize(static_cast<std::size_t>(problem.n));
  std::iota(all.rows.begin(), all.rows.end(), 0);
  std::iota(all.cols.begin(), all.cols.end(), 0);
  return all;
}

Selection select_sample(const Problem& problem, std::int64_t max_rows, std::int64_t max_cols, std::uint64_t seed) {
  std::vector<std::int64_t> edges;
  std::int64_t first = 0;
  for (const std::int64_t rows : problem.m) {
    if (rows > 0) edges.insert(edges.end(), {first, first + rows - 1});
    first += rows;
  }
  Selection sample;
  sample.rows = draw(edges, problem.total_m(), max_rows, Random(seed));
  // NVFP4 shares a scale in a block, so blocks are drawn; else single columns.
  const std::int64_t unit = problem.output == OutputType::nvfp4 ? kScaleBlock : 1;
  const std::int64_t units = problem.n / unit;
  const auto drawn = draw({0, units - 1}, units, std::max<std::int64_t>(max_cols / unit, 1), Random(seed + 1));
  for (const std::int64_t index : drawn) {
    for (std::int64_t i = 0; i < unit; ++i)
      sample.cols.push_back(index * unit + i);
  }
  return sample;
}

}  // namespace thresher::reference
