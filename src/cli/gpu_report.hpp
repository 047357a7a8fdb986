// What `thresher devices` says of GPUs and of their compiler: a report first, its text and JSON from it.
#pragma once

#include <string>
#include <vector>

#include "cli/json_output.hpp"
#include "device/environment.hpp"
#include "gpu/driver.hpp"
#include "gpu/nvrtc.hpp"

namespace thresher::cli {

struct GpuReport {
  std::vector<gpu::GpuInfo> gpus;
  std::string why_none;  // when there are none
  gpu::NvrtcLoad nvrtc;
};

/// Never throws for a missing or broken driver or compiler: that is what the report is for.
GpuReport look_for_gpus(const device::Environment& environment);

/// One object a GPU, or one that says why there is none.
Json devices_json(const GpuReport& report);
/// {"usable", "library", "version", "why_not", "looked_at"}.
Json nvrtc_json(const GpuReport& report);
std::string to_text(const GpuReport& report);

}  // namespace thresher::cli
