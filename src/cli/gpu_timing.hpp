// Times calls on a GPU: replays of a graph by events, and launches by the host's clock.
#pragma once

#include <functional>

#include "gpu/context.hpp"
#include "measure/sampler.hpp"

namespace thresher::cli {

struct GpuTimingOptions {
  int sets = 1;              // data sets that calls rotate over
  double max_seconds = 2.0;  // of sampling
  int max_samples = 1000;
  std::function<void(double elapsed_seconds)> progress;  // after each sample; may be empty or throw
};

struct GpuTimes {
  measure::Samples samples;  // seconds of a call: a replay's time over its calls
  int calls_per_replay = 0;
  double host_seconds = 0.0;  // that launching a call keeps the host; a median
};

/// `run` launches a call of one data set into the stream. Throws Error of a kernel that failed.
GpuTimes time_calls(const gpu::ContextRef& context, const gpu::Stream& stream, const std::function<void(int set)>& run,
                    const GpuTimingOptions& options);

/// A multiple of `sets`, at least 8, so that replays take `least_seconds` when a call takes `call_seconds`.
int calls_per_replay(int sets, double call_seconds, double least_seconds);

}  // namespace thresher::cli
