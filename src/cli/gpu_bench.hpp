// thresher bench on a GPU.
#pragma once

#include <vector>

#include "catalog/cases.hpp"
#include "cli/bench_types.hpp"
#include "thresher/gpu.hpp"

namespace thresher::cli {

struct GpuBenchRequest {
  int ordinal = 0;
  Sm90Config config;  // knobs left automatic are chosen for each case
  BenchOptions options;
  bool json = false;
};

/// Runs the cases, prints rows as they end, or one object. The exit status. Throws Error when the GPU can't be used.
int run_gpu_bench(const GpuBenchRequest& request);

}  // namespace thresher::cli
