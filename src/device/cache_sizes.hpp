// Cache sizes as the system describes them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace thresher::device {

struct CacheSizes {
  std::optional<std::size_t> l1d_bytes;  // of one core
  std::optional<std::size_t> l2_bytes;   // of one core
  std::optional<std::size_t> l3_bytes;   // all instances that the CPUs asked about reach
};

/// Reads `<root>/cpu<N>/cache/index*`; root is /sys/devices/system/cpu on a live system. What is missing stays empty.
CacheSizes read_cache_sizes(const std::filesystem::path& root, const std::vector<int>& cpus);

/// "48K" -> 49152. Nothing for text that is not a size.
std::optional<std::size_t> parse_cache_size(std::string_view text);

}  // namespace thresher::device
