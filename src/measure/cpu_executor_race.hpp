// A race on the CPU.
#pragma once

#include <memory>

#include "measure/cpu_executor.hpp"
#include "measure/cpu_floors.hpp"
#include "measure/executor.hpp"

namespace thresher::measure {

/// Makes the data, starts both sides, packs, and makes one checked call of each side on each case.
OpenedRace open_cpu_race(const RaceRequest& request, const CpuExecutorOptions& options,
                         const std::shared_ptr<Floors>& floors);

}  // namespace thresher::measure
