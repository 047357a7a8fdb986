// The correctness gate of the CPU.
#pragma once

#include <span>

#include "measure/cpu_executor.hpp"
#include "measure/cpu_executor_bench.hpp"
#include "measure/cpu_floors.hpp"

namespace thresher::measure {

/// See Executor::check().
CheckOutcome check_on_cpu(const Candidate& candidate, std::span<const catalog::Case> cases, std::uint64_t seed,
                          const CpuExecutorOptions& options, const Floors& floors, ConfigBench& bench);

}  // namespace thresher::measure
