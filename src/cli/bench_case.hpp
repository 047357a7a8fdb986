// Benchmarks one case: data, check, ceilings, times, numbers.
#pragma once

#include <functional>

#include "catalog/cases.hpp"
#include "cli/bench_types.hpp"
#include "cli/progress.hpp"
#include "measure/sampler.hpp"
#include "thresher/engine.hpp"

namespace thresher::cli {

/// The ceilings of (instruction set, threads), measured in this process on first use.
using CeilingsOf = std::function<const device::Ceilings&(Isa isa, int threads)>;

/// The problem of a case with the op, types, activation and bias that were asked for.
Problem problem_of(const catalog::Case& one, const BenchOptions& options);

/// A wrong answer or a case that can't run is a result with an error. Throws Interrupted after Ctrl-C.
BenchResult bench_case(const catalog::Case& one, const BenchOptions& options, const Engine& engine,
                       const CeilingsOf& ceilings_of, Progress& progress);

/// The numbers that follow from samples and ceilings.
BenchTimes summarise(const Problem& problem, const measure::Samples& samples, const device::Ceilings& ceilings,
                     Isa isa);

}  // namespace thresher::cli
