// How many CTAs of a kernel a multiprocessor holds, from tables: no driver, no GPU.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace thresher::gpu {

/// What one multiprocessor has, and in which portions it gives it away.
struct SmLimits {
  int registers = 0;
  int register_unit = 0;  // registers are given to warps in multiples of this
  int partitions = 0;     // each has its share of the registers and of the warps
  int max_registers_per_thread = 0;
  int warps = 0;
  int ctas = 0;
  int max_threads_per_cta = 0;
  std::int64_t smem_bytes = 0;
  std::int64_t reserved_smem_bytes_per_cta = 0;  // taken by the driver
  std::int64_t max_smem_bytes_per_cta = 0;       // without what the driver takes
  std::int64_t smem_unit = 0;
};

/// The table of a compute capability; nothing where we have none.
std::optional<SmLimits> sm_limits(int major, int minor);

/// What one CTA needs.
struct CtaNeeds {
  int registers_per_thread = 0;
  int threads = 0;
  std::int64_t smem_bytes = 0;  // static and dynamic
};

struct Occupancy {
  int ctas_per_sm = 0;     // 0: one does not fit
  std::string limited_by;  // "registers", "shared memory", "warps", "CTAs"; joined by " and " where several are equal

  bool operator==(const Occupancy&) const = default;
};

/// A test on a GPU compares this with cuOccupancyMaxActiveBlocksPerMultiprocessor.
/// Throws Error(invalid_argument) for threads < 1 or anything negative.
Occupancy occupancy(const SmLimits& limits, const CtaNeeds& needs);

}  // namespace thresher::gpu
