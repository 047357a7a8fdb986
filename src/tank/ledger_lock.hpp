// A lock file that says who holds it; the kernel gives the lock back when its holder dies.
#pragma once

#include <filesystem>
#include <string>

namespace thresher::tank {

/// Takes the lock and writes "process <pid>, <what>" into the file. Returns its descriptor, or -1 when it is held
/// elsewhere and `wait` is not set; `holder` (may be null) is then what the holder wrote. Throws Error(io) when the
/// file can't be made.
int take_lock_file(const std::filesystem::path& path, const std::string& what, bool wait, std::string* holder);

/// Gives the lock back. With `remove` the file goes too.
void release_lock_file(int file, const std::filesystem::path* remove) noexcept;

}  // namespace thresher::tank
