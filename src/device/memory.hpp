// How much memory can be taken without pushing others out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace thresher::device {

/// The smaller of what the system calls available and what the control group of this process still allows.
/// Nothing where the system does not say.
std::optional<std::size_t> available_memory_bytes();

/// The same for a system whose files lie under `root` ("/" when live).
std::optional<std::size_t> available_memory_bytes(const std::filesystem::path& root);

}  // namespace thresher::device
