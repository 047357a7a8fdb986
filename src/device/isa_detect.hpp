// From processor and system features to the instruction sets that can be used, as a pure function.
#pragma once

#include <string>
#include <vector>

#include "thresher/engine.hpp"

namespace thresher::device {

/// What the processor and the operating system offer. On other processors than x86-64 only `architecture` is filled.
struct CpuFeatures {
  std::string architecture;  // "x86_64", or what this build is for
  bool x86 = false;
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512dq = false;
  bool amx_tile = false;
  bool amx_bf16 = false;
  bool os_ymm = false;           // the system saves 256-bit registers
  bool os_zmm = false;           // ... 512-bit and mask registers
  bool os_tiles = false;         // ... tile registers
  bool tiles_permitted = false;  // this process asked the kernel for tile data and got it
};

/// Every instruction set, best first. `why_not` lists all that is missing, not just the first.
std::vector<IsaStatus> isa_statuses(const CpuFeatures& features);

/// Of the machine at hand. Asks the kernel for permission to use tiles, which a process must do once.
CpuFeatures detect_cpu_features();

}  // namespace thresher::device
