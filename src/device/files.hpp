// Whole files: read in one go, or written so that a reader sees the old content or the new, never half.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace thresher::device {

/// Throws Error(io) with the path and the system's reason.
std::string read_whole_file(const std::filesystem::path& path);

/// Writes a temporary file beside `path`, syncs it and renames it over `path`; makes missing folders.
/// Throws Error(io) with the path and the system's reason; then `path` is as it was and no temporary file is left.
void write_whole_file(const std::filesystem::path& path, std::string_view content);

}  // namespace thresher::device
