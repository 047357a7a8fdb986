// Measures what a GPU can do at most: copy within its memory, and multiply matrices.
//
// The floor of a kernel needs two numbers. Bandwidth is that of a copy, bytes read plus bytes written, because the
// driver offers no read alone; a kernel that mostly reads may be a little faster than this. The rate is what NVIDIA's
// own library reaches on large fp16 matrices of random values: numbers of a data sheet assume clocks that such work
// does not keep. Both are medians, as on the CPU.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "device/environment.hpp"
#include "gpu/context.hpp"

namespace thresher::measure {

struct GpuCeilings {
  std::string measured_at;                        // ISO 8601, UTC
  double copy_bytes_per_second = 0.0;             // read and written together
  std::optional<double> matrix_flops_per_second;  // fp16, sums in fp32; nothing without cuBLAS
  std::string matrix_library;                     // that gave the rate
  std::string why_no_rate;                        // empty when there is a rate
};

/// `progress` is told before each step; it may be empty.
GpuCeilings measure_gpu_ceilings(const gpu::ContextRef& context, const device::Environment& environment,
                                 const std::function<void(const std::string& step)>& progress);

/// Median of copies of `bytes` from one buffer into another.
double measure_copy_bandwidth(const gpu::ContextRef& context, std::size_t bytes);

}  // namespace thresher::measure
