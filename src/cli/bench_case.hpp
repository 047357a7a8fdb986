// Benchmarks one case: data, check, ceilings, times, numbers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "catalog/cases.hpp"
#include "cli/bench_types.hpp"
#include "cli/progress.hpp"
#include "device/floor.hpp"
#include "measure/sampler.hpp"
#include "reference/grouped_gemm.hpp"
#include "thresher/engine.hpp"

namespace thresher::cli {

/// The ceilings of (instruction set, threads), measured in this process on first use.
using CeilingsOf = std::function<const device::Ceilings&(Isa isa, int threads)>;

/// The cases of these names, all when there are none. Throws Error naming those that are near.
std::vector<catalog::Case> chosen_cases(const catalog::Catalog& catalog, const std::vector<std::string>& names);

/// The problem of a case with the op, types, activation and bias that were asked for.
Problem problem_of(const catalog::Case& one, const BenchOptions& options);

/// The weights of a problem, made when they are asked for. The arguments must outlive it.
reference::WeightsOf weights_of(const Problem& problem, const BenchOptions& options, Progress& progress);

/// A wrong answer or a case that can't run is a result with an error. Throws Interrupted after Ctrl-C.
BenchResult bench_case(const catalog::Case& one, const BenchOptions& options, const Engine& engine,
                       const CeilingsOf& ceilings_of, Progress& progress);

/// The numbers that follow from samples and ceilings.
BenchTimes summarise(const Problem& problem, const measure::Samples& samples, const device::Ceilings& ceilings,
                     Isa isa);
BenchTimes summarise(const measure::Samples& samples, const device::Floor& floor);

}  // namespace thresher::cli
