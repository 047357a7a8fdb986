// The arithmetic of occupancy.
#include "gpu/occupancy.hpp"

#include <algorithm>
#include <array>

#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

constexpr int kWarp = 32;

template <typename Integer>
constexpr Integer round_up(Integer value, Integer unit) {
  return (value + unit - 1) / unit * unit;
}

// Registers belong to a quarter of the multiprocessor, so a warp that is left over in one quarter can't use those of
// another.
int by_registers(const SmLimits& limits, const CtaNeeds& needs, int warps) {
  if (needs.registers_per_thread == 0) return limits.ctas;
  if (needs.registers_per_thread > limits.max_registers_per_thread) return 0;
  const int per_warp = round_up(needs.registers_per_thread * kWarp, limits.register_unit);
  // The launch is refused as if every partition got the same number of warps.
  if (per_warp * round_up(warps, limits.partitions) > limits.registers) return 0;
  const int warps_per_partition = limits.registers / limits.partitions / per_warp;
  return warps_per_partition * limits.partitions / warps;
}

int by_smem(const SmLimits& limits, const CtaNeeds& needs) {
  if (needs.smem_bytes > limits.max_smem_bytes_per_cta) return 0;
  const std::int64_t taken = round_up(needs.smem_bytes + limits.reserved_smem_bytes_per_cta, limits.smem_unit);
  return static_cast<int>(limits.smem_bytes / taken);
}

}  // namespace

std::optional<SmLimits> sm_limits(int major, int minor) {
  if (major != 9 || minor != 0) return std::nullopt;
  // CUDA C++ Programming Guide, "Compute Capabilities"; Hopper Tuning Guide.
  return SmLimits{.registers = 65536,
                  .register_unit = 256,
                  .partitions = 4,
                  .max_registers_per_thread = 255,
                  .warps = 64,
                  .ctas = 32,
                  .max_threads_per_cta = 1024,
                  .smem_bytes = 228 * 1024,
                  .reserved_smem_bytes_per_cta = 1024,
                  .max_smem_bytes_per_cta = 227 * 1024,
                  .smem_unit = 128};
}

Occupancy occupancy(const SmLimits& limits, const CtaNeeds& needs) {
  if (needs.threads < 1 || needs.registers_per_thread < 0 || needs.smem_bytes < 0) {
    throw Error(ErrorCode::invalid_argument, "a CTA of " + std::to_string(needs.threads) + " threads, " +
                                                 std::to_string(needs.registers_per_thread) + " registers and " +
                                                 std::to_string(needs.smem_bytes) +
                                                 " bytes of shared memory is none: give at least one thread");
  }
  const int warps = (needs.threads + kWarp - 1) / kWarp;
  struct Bound {
    const char* resource;
    int ctas;
  };
  const std::array<Bound, 4> bounds = {
      {{"registers", by_registers(limits, needs, warps)},
       {"shared memory", by_smem(limits, needs)},
       {"warps", needs.threads > limits.max_threads_per_cta ? 0 : limits.warps / warps},
       {"CTAs", limits.ctas}}};
  Occupancy result;
  result.ctas_per_sm = std::min_element(bounds.begin(), bounds.end(), [](const Bound& a, const Bound& b) {
                         return a.ctas < b.ctas;
                       })->ctas;
  for (const Bound& bound : bounds) {
    if (bound.ctas != result.ctas_per_sm) continue;
    result.limited_by += (result.limited_by.empty() ? "" : " and ") + std::string(bound.resource);
  }
  return result;
}

}  // namespace thresher::gpu
