// Opens engines; adds the way out to their refusals.
#include "cli/gpu_device.hpp"

#include <fmt/format.h>

#include "thresher/error.hpp"

namespace thresher::cli {

std::unique_ptr<GpuEngine> open_gpu(int ordinal, const Sm90Config& config) {
  // A config that can't run is refused first, and alike on every machine.
  if (const std::string reason = why_invalid(config); !reason.empty()) {
    throw Error(ErrorCode::unsupported, fmt::format("config '{}' can't run: {}", to_text(config), reason));
  }
  try {
    return std::make_unique<GpuEngine>(GpuEngineOptions{.device = ordinal, .sm90 = config});
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("--device cuda:{}: {}; see 'thresher devices', or give --device cpu", ordinal,
                                          error.what()));
  }
}

std::string name_of(const gpu::GpuInfo& gpu) {
  return fmt::format("{} (cuda:{})", gpu.name, gpu.ordinal);
}

}  // namespace thresher::cli
