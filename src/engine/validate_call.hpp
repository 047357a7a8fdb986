// Every check of a call, before any work: what passes here, no kernel needs to look at again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "thresher/engine.hpp"

namespace thresher::engine {

/// Throws Error naming the first argument of a call of `op` that is wrong, its value and the way out.
/// Allocates only when it throws. The workspace's size and place are checked by validate_workspace().
void validate_call(Op op, const PackedWeights& weights, const GroupedGemmArgs& args);

/// Throws when the workspace is missing, misaligned or smaller than `needed` bytes.
void validate_workspace(const GroupedGemmArgs& args, std::size_t needed);

/// Throws when something that the call writes overlaps with anything else that it reads or writes.
/// Call it after the other two: it takes all sizes as checked.
void validate_overlaps(const PackedWeights& weights, const GroupedGemmArgs& args);

/// The same for a report that is written elsewhere than to args.report: the C interface's.
void validate_report(const PackedWeights& weights, const GroupedGemmArgs& args, std::span<const std::byte> report);

/// Throws Error(out_of_memory) unless rows * columns * element_bytes fits a signed 64-bit offset, which is what kernels
/// compute addresses with.
void check_size(const char* name, std::int64_t rows, std::int64_t columns, std::int64_t element_bytes);

}  // namespace thresher::engine
