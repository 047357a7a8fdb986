// Reads the cache folders of sysfs.
#include "device/cache_sizes.hpp"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <system_error>

namespace thresher::device {
namespace {

std::string first_word(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

}  // namespace

std::optional<std::size_t> parse_cache_size(std::string_view text) {
  std::size_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value == 0) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  int shift = 0;
  if (unit == "K") {
    shift = 10;
  } else if (unit == "M") {
    shift = 20;
  } else if (unit == "G") {
    shift = 30;
  } else if (!unit.empty()) {
    return std::nullopt;
  }
  if (value > (SIZE_MAX >> shift)) return std::nullopt;
  return value << shift;
}

CacheSizes read_cache_sizes(const std::filesystem::path& root, const std::vector<int>& cpus) {
  CacheSizes sizes;
  std::map<std::string, std::size_t> last_level;  // one entry per instance, keyed by the CPUs that share it
  for (const int cpu : cpus) {
    const std::filesystem::path folder = root / ("cpu" + std::to_string(cpu)) / "cache";
    std::error_code ignored;
    for (int index = 0; std::filesystem::exists(folder / ("index" + std::to_string(index)), ignored); ++index) {
      const std::filesystem::path entry = folder / ("index" + std::to_string(index));
      const std::string level = first_word(entry / "level");
      const std::string type = first_word(entry / "type");
      const std::optional<std::size_t> size = parse_cache_size(first_word(entry / "size"));
      if (!size || type == "Instruction") continue;
      if (level == "1" && !sizes.l1d_bytes) sizes.l1d_bytes = size;
      if (level == "2" && !sizes.l2_bytes) sizes.l2_bytes = size;
      if (level == "3") last_level[first_word(entry / "shared_cpu_list")] = *size;
    }
  }
  for (const auto& [shared, size] : last_level) {
    sizes.l3_bytes = sizes.l3_bytes.value_or(0) + size;
  }
  return sizes;
}

}  // namespace thresher::device
