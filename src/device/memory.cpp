// Reads /proc/meminfo and the limits of control groups (version 2 and 1).
#include "device/memory.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace thresher::device {
namespace {

// First number of a file; nothing for "max" or a missing file.
std::optional<std::size_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::size_t value = 0;
  return file >> value ? std::optional<std::size_t>(value) : std::nullopt;
}

std::optional<std::size_t> available_in(const std::filesystem::path& meminfo) {
  std::ifstream file(meminfo);
  for (std::string line; std::getline(file, line);) {
    const std::string key = "MemAvailable:";
    if (line.rfind(key, 0) != 0) continue;
    try {
      return static_cast<std::size_t>(std::stoull(line.substr(key.size()))) * 1024;
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> available_memory_bytes(const std::filesystem::path& root) {
  std::optional<std::size_t> available = available_in(root / "proc/meminfo");
  const std::filesystem::path group = root / "sys/fs/cgroup";
  const auto limit_to = [&available](std::optional<std::size_t> limit, std::optional<std::size_t> used) {
    if (!limit || !used) return;
    const std::size_t rest = *limit > *used ? *limit - *used : 0;
    available = available ? std::min(*available, rest) : rest;
  };
  limit_to(number_in(group / "memory.max"), number_in(group / "memory.current"));
  limit_to(number_in(group / "memory/memory.limit_in_bytes"), number_in(group / "memory/memory.usage_in_bytes"));
  return available;
}

std::optional<std::size_t> available_memory_bytes() {
  return available_memory_bytes("/");
}

}  // namespace thresher::device
