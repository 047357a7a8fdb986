// What the CPU at hand is and can do: name, instruction sets, caches, cores.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "thresher/config.hpp"
#include "thresher/engine.hpp"

namespace thresher::device {

struct CpuInfo {
  std::string name;             // as the CPU reports it, spaces trimmed
  int cores = 1;                // logical CPUs that this process may run on
  std::size_t l1d_bytes = 0;    // of one core; a conservative default where the system does not say
  std::size_t l2_bytes = 0;     // of one core
  std::size_t l3_bytes = 0;     // shared, all of it
  std::vector<IsaStatus> isas;  // best first
};

/// Detected once.
const CpuInfo& cpu_info();

/// Key of this machine for stored measurements, e.g. "amd-epyc-7b13-2c". Lower case, [a-z0-9-].
std::string machine_key(const CpuInfo& info);

}  // namespace thresher::device
