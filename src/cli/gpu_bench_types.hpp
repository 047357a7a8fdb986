// What bench finds on a GPU: data only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bench_types.hpp"
#include "measure/gpu_ceilings.hpp"
#include "thresher/gpu.hpp"

namespace thresher::cli {

struct GpuBenchResult {
  BenchResult common;             // its isa and config stay untouched: they are of the CPU
  std::string kernel;             // "sm90_gated" or "sm90_plain"
  Sm90Config config;              // as resolved
  bool rate_known = false;        // else the floor is that of memory alone, and there is no share of the rate
  std::optional<double> host_us;  // that launching a call keeps the host
  int calls_per_replay = 0;       // of the graph that was timed; 0 when none was
};

struct GpuBenchReport {
  std::string device;   // "NVIDIA H200 (cuda:0)"
  std::string machine;  // its host
  std::string cases_from;
  std::optional<measure::GpuCeilings> ceilings;  // measured before the first case is timed
  std::vector<GpuBenchResult> results;
  std::vector<std::string> warnings;  // of the cache and the compiler
  bool interrupted = false;

  [[nodiscard]] bool ok() const;
};

}  // namespace thresher::cli
