// Keeps the measured ceilings of each machine: one JSON file per machine and number of threads.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "device/ceilings.hpp"
#include "device/environment.hpp"

namespace thresher::measure {

/// The folder of the environment. Throws Error(environment) when no variable names one.
std::filesystem::path cache_folder(const device::Environment& environment);

std::filesystem::path ceilings_path(const std::filesystem::path& folder, const std::string& machine, int threads);

/// Written whole or not at all. Throws Error(io).
void store_ceilings(const std::filesystem::path& folder, const device::Ceilings& ceilings);

/// Nothing when there is no file. Throws Error(parse) naming the file and the way out when its content is not what
/// store_ceilings() writes for this machine and number of threads.
std::optional<device::Ceilings> load_ceilings(const std::filesystem::path& folder, const std::string& machine,
                                              int threads);

}  // namespace thresher::measure
