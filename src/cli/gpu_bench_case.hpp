// Benchmarks one case on a GPU: data, check, ceilings, times, numbers.
#pragma once

#include <functional>

#include "catalog/cases.hpp"
#include "cli/gpu_bench_types.hpp"
#include "cli/progress.hpp"
#include "measure/sampler.hpp"

namespace thresher::cli {

/// The ceilings of the GPU, measured in this process on first use.
using GpuCeilingsOf = std::function<const measure::GpuCeilings&()>;

/// A wrong answer or a case that can't run is a result with an error. Throws Interrupted after Ctrl-C.
/// `asked`: the knobs that the engine was made with.
GpuBenchResult gpu_bench_case(const catalog::Case& one, const BenchOptions& options, const Sm90Config& asked,
                              const GpuEngine& engine, const GpuCeilingsOf& ceilings_of, Progress& progress);

/// The numbers that follow from samples and ceilings; without a matrix rate the floor is that of memory alone.
BenchTimes summarise(const Problem& problem, const measure::Samples& samples, const measure::GpuCeilings& ceilings);

}  // namespace thresher::cli
