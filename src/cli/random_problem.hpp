// Random problems and knobs for verify: small, odd, and the same for the same seed everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/generate.hpp"
#include "thresher/config.hpp"
#include "thresher/problem.hpp"

namespace thresher::cli {

struct RandomProblem {
  Problem problem;
  Recipe recipe = Recipe::normal;
  std::uint64_t data_seed = 0;
};

/// Shapes lean towards edges: empty groups, rows, columns and k around the tile sizes of all kernels, k = 4096 rarely.
/// At most kMostMultiplyAdds, so that hundreds of seeds take seconds.
RandomProblem random_problem(std::uint64_t seed);

inline constexpr std::int64_t kMostMultiplyAdds = 4'000'000;

/// Knobs for a problem, drawn from the seed until the engine accepts them; one in four problems runs with all knobs
/// automatic. `threads` is 1 to max_threads.
CpuConfig random_config(std::uint64_t seed, Isa isa, const Problem& problem, int max_threads);

/// "gated g=2 m=7,0 n=100 k=48 a=fp16 out=nvfp4 act=relu2 bias recipe=outliers".
std::string to_text(const RandomProblem& random);

}  // namespace thresher::cli
