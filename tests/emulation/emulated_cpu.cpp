// The machine that the emulated tests believe in: it has every instruction set. Replaces src/device's own detection in
// that one executable.
#include "device/cpu_info.hpp"

namespace thresher::device {

const CpuInfo& cpu_info() {
  static const CpuInfo info{.name = "emulated",
                            .cores = 2,
                            .l1d_bytes = 48U << 10U,
                            .l2_bytes = 2U << 20U,
                            .l3_bytes = 32U << 20U,
                            .isas = {{Isa::amx, true, ""}, {Isa::avx512, true, ""}}};
  return info;
}

}  // namespace thresher::device
