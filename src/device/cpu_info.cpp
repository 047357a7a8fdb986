// Detects the CPU once: name, CPUs of this process, caches and instruction sets.
#include "device/cpu_info.hpp"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>

#include "device/cache_sizes.hpp"
#include "device/isa_detect.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace thresher::device {
namespace {

// For systems that say nothing: smaller than any server of the last ten years, so blocks chosen for them still fit.
constexpr std::size_t kDefaultL1d = 32 * 1024;
constexpr std::size_t kDefaultL2 = 512 * 1024;
constexpr std::size_t kDefaultL3 = 8 * 1024 * 1024;

std::string squeeze_spaces(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

// Other architectures: the first of the lines by which their kernels name the processor.
std::string name_from_proc() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    for (const std::string_view key : {"model name", "Model", "uarch", "cpu"}) {
      const std::size_t colon = line.find(':');
      if (colon != std::string::npos && squeeze_spaces(std::string_view(line).substr(0, colon)) == key) {
        return squeeze_spaces(std::string_view(line).substr(colon + 1));
      }
    }
  }
  return "unknown CPU";
}

std::string cpu_name() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0x80000000u, &a, &b, &c, &d) != 0 && a >= 0x80000004u) {
    std::array<char, 48> brand{};
    for (unsigned leaf = 0; leaf < 3; ++leaf) {
      __get_cpuid(0x80000002u + leaf, &a, &b, &c, &d);
      const std::array<unsigned, 4> words = {a, b, c, d};
      std::memcpy(brand.data() + 16 * leaf, words.data(), 16);
    }
    std::string name = squeeze_spaces(std::string_view(brand.data(), strnlen(brand.data(), brand.size())));
    if (!name.empty()) return name;
  }
#endif
  return name_from_proc();
}

// NOTE: the fixed-size cpu_set_t ends at 1024 CPUs and the call then fails, so the set grows until it fits.
std::vector<int> allowed_cpus() {
  for (int size = CPU_SETSIZE; size <= (1 << 20); size *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(size));
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
    CPU_ZERO_S(bytes, set);
    std::vector<int> cpus;
    if (sched_getaffinity(0, bytes, set) == 0) {
      for (int cpu = 0; cpu < size; ++cpu) {
        if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set)) cpus.push_back(cpu);
      }
    }
    CPU_FREE(set);
    if (!cpus.empty()) return cpus;
  }
  return {0};
}

std::optional<std::size_t> from_sysconf(int name) {
  const long value = sysconf(name);
  return value > 0 ? std::optional<std::size_t>(static_cast<std::size_t>(value)) : std::nullopt;
}

CpuInfo detect() {
  const std::vector<int> cpus = allowed_cpus();
  CacheSizes sizes = read_cache_sizes("/sys/devices/system/cpu", cpus);
  if (!sizes.l1d_bytes) sizes.l1d_bytes = from_sysconf(_SC_LEVEL1_DCACHE_SIZE);
  if (!sizes.l2_bytes) sizes.l2_bytes = from_sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (!sizes.l3_bytes) sizes.l3_bytes = from_sysconf(_SC_LEVEL3_CACHE_SIZE);

  CpuInfo info;
  info.name = cpu_name();
  info.cores = static_cast<int>(cpus.size());
  info.l1d_bytes = sizes.l1d_bytes.value_or(kDefaultL1d);
  info.l2_bytes = sizes.l2_bytes.value_or(kDefaultL2);
  info.l3_bytes = sizes.l3_bytes.value_or(kDefaultL3);
  info.isas = isa_statuses(detect_cpu_features());
  return info;
}

void erase_all(std::string& text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word)) {
    text.erase(at, word.size());
  }
}

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo info = detect();
  return info;
}

std::string machine_key(const CpuInfo& info) {
  std::string name;
  for (const char c : info.name) {
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  erase_all(name, "(r)");
  erase_all(name, "(tm)");

  std::string key;
  for (const char c : name) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      key += c;
    } else if (!key.empty() && key.back() != '-') {
      key += '-';
    }
  }
  if (key.empty()) key = "unknown-cpu";
  if (key.back() != '-') key += '-';
  return key + std::to_string(info.cores) + 'c';
}

}  // namespace thresher::device
