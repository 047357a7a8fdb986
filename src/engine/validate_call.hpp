// Every check of a call, before any work: what passes here, no kernel needs to look at again.
#pragma once

#include <cstddef>

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

}  // namespace thresher::engine
