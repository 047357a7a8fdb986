// Opening the GPU that a command line names, or saying in one line why it can't be used.
#pragma once

#include <memory>
#include <string>

#include "gpu/driver.hpp"
#include "thresher/gpu.hpp"

namespace thresher::cli {

/// Throws Error saying why this GPU can't run the kernels, where to look and what to use instead.
std::unique_ptr<GpuEngine> open_gpu(int ordinal, const Sm90Config& config);

/// "NVIDIA H200 (cuda:0)".
std::string name_of(const gpu::GpuInfo& gpu);

}  // namespace thresher::cli
