// The right to measure on this machine, waited for in words.
#pragma once

#include <string>

#include "cli/progress.hpp"
#include "tank/ledger.hpp"

namespace thresher::cli {

/// Waits while another process measures, saying which; throws Error(environment) instead when `wait` is not set.
tank::DeviceLock lock_device(const std::string& what, bool wait, Progress& progress);

}  // namespace thresher::cli
