// Knobs for verify on a GPU: few, because each (types, knobs) is compiled for seconds, yet every kind of them.
#pragma once

#include <cstdint>
#include <vector>

#include "thresher/gpu.hpp"

namespace thresher::cli {

/// The drawn configs: each tile height with both kinds of products and both schedules, the rest random, and the
/// largest tile of tokens. Every one can run with any types and any number of rows.
std::vector<Sm90Config> gpu_verify_configs();

/// One in two seeds runs with all knobs automatic, the others with one of gpu_verify_configs().
Sm90Config random_gpu_config(std::uint64_t seed);

}  // namespace thresher::cli
