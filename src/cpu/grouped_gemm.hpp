// The CPU backend: one call of a grouped op with a resolved config.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "cpu/kernel_table.hpp"
#include "thresher/config.hpp"
#include "thresher/engine.hpp"

namespace thresher::cpu {

/// The kernels of an instruction set, or null where this build has none.
const IsaKernels* kernels(Isa isa) noexcept;

/// What choosing a config depends on.
struct ShapeSummary {
  Op op = Op::gated;
  std::int64_t groups = 0;
  std::int64_t total_m = 0;
  std::int64_t largest_m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t groups_with_rows = 0;
};

/// Why a config can't run, in words and with the value, or nothing. Every constraint on the knobs is here.
std::optional<std::string> why_invalid(const CpuConfig& config, OutputType output);

/// Fills every automatic field. Throws Error(unsupported) when config.isa is not usable here,
/// Error(invalid_argument) when why_invalid() objects.
CpuConfig resolve(const CpuConfig& config, const ShapeSummary& shape, OutputType output);

/// Bytes of workspace for any call of at most `max_rows` rows with weights of this shape, for any operand and output
/// type. `config` may have automatic fields.
std::size_t workspace_bytes(const CpuConfig& config, const WeightsShape& shape, std::int64_t max_rows);

/// Runs a call whose arguments the engine has checked, with a resolved config.
void run(const PackedWeights::Storage& weights, const GroupedGemmArgs& args, const CpuConfig& config);

}  // namespace thresher::cpu
