// The Hopper kernels as data: from traits and knobs to the sources that NVRTC compiles.
#pragma once

#include "gpu/compiler.hpp"
#include "gpu/sm90_config.hpp"

namespace thresher::gpu {

/// The kernel that multiplies. `config` is resolved and why_not() has nothing against it.
KernelSource sm90_multiply(const Sm90Config& config, const Sm90Traits& traits);

/// The kernel before it, which lays out the tokens for it.
KernelSource sm90_prepare(const Sm90Config& config, const Sm90Traits& traits);

inline constexpr int kPrepareThreads = 128;

}  // namespace thresher::gpu
