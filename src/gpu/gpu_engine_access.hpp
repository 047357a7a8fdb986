// What our own commands need of an engine and its weights beyond the public interface.
#pragma once

#include "gpu/context.hpp"
#include "thresher/gpu.hpp"

namespace thresher::gpu {

/// The context that the engine launches in.
ContextRef context_of(const GpuEngine& engine);

/// Makes `to` hold the same packed weights, within the GPU. Throws Error unless both have one shape. Waits for the
/// copy.
void copy_weights(const GpuWeights& from, const GpuWeights& to);

}  // namespace thresher::gpu
