// The facts of a config on a case: those that follow from it, and those that a call counted.
#pragma once

#include <vector>

#include "measure/executor.hpp"
#include "measure/observables.hpp"
#include "thresher/config.hpp"
#include "thresher/engine.hpp"
#include "thresher/problem.hpp"

namespace thresher::measure {

/// `config` is resolved: no field is automatic.
std::vector<Observable> compiled_observables(const Problem& problem, const CpuConfig& config, const DeviceFacts& device,
                                             double floor_seconds);

/// What a call counted; nothing but times for a library (`report` is null).
std::vector<Observable> measured_observables(const CallReport* report, double seconds, double floor_seconds);

}  // namespace thresher::measure
