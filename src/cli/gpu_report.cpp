// GPUs and NVRTC in words and as JSON.
#include "cli/gpu_report.hpp"

#include <fmt/format.h>

#include "tank/or_null.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
using tank::or_null;

namespace {

constexpr std::size_t kMib = 1024 * 1024;

std::string compute_capability(const gpu::GpuInfo& gpu) {
  return fmt::format("{}.{}", gpu.compute_major, gpu.compute_minor);
}

std::optional<double> mhz(std::optional<int> khz) {
  return khz ? std::optional(*khz / 1000.0) : std::nullopt;
}

}  // namespace

GpuReport look_for_gpus(const device::Environment& environment) {
  GpuReport report;
  const gpu::DriverLoad& load = gpu::Driver::load();
  report.why_none = load.why_not;
  if (load.driver != nullptr) {
    try {
      report.gpus = gpu::list_gpus(*load.driver);
      if (report.gpus.empty()) {
        report.why_none = "the NVIDIA driver shows no GPU: is CUDA_VISIBLE_DEVICES empty?";
      }
    } catch (const Error& error) {
      report.why_none = error.what();
    }
  }
  report.nvrtc = gpu::Nvrtc::load(gpu::nvrtc_search(environment));
  return report;
}

Json devices_json(const GpuReport& report) {
  Json devices = Json::array();
  if (report.gpus.empty()) {
    devices.push_back({{"device", "gpu"}, {"usable", false}, {"why_not", report.why_none}});
  }
  for (const gpu::GpuInfo& gpu : report.gpus) {
    const std::optional<std::string> why_not = gpu::why_unusable(gpu);
    devices.push_back({{"device", fmt::format("cuda:{}", gpu.ordinal)},
                       {"usable", !why_not},
                       {"why_not", or_null(why_not)},
                       {"name", gpu.name},
                       {"pci_id", gpu.pci_id},
                       {"compute_capability", compute_capability(gpu)},
                       {"multiprocessors", gpu.multiprocessors},
                       {"memory_bytes", gpu.memory_bytes},
                       {"l2_bytes", gpu.l2_bytes},
                       {"smem_bytes_per_multiprocessor", gpu.smem_bytes_per_multiprocessor},
                       {"max_smem_bytes_per_cta", gpu.max_smem_bytes_per_block},
                       {"clock_mhz", or_null(mhz(gpu.clock_khz))},
                       {"memory_clock_mhz", or_null(mhz(gpu.memory_clock_khz))},
                       {"memory_bus_bits", or_null(gpu.memory_bus_bits)},
                       {"ecc", or_null(gpu.ecc)}});
  }
  return devices;
}

Json nvrtc_json(const GpuReport& report) {
  const gpu::Nvrtc* const nvrtc = report.nvrtc.nvrtc.get();
  return {{"usable", nvrtc != nullptr},
          {"library", nvrtc != nullptr ? Json(nvrtc->library()) : Json(nullptr)},
          {"version", nvrtc != nullptr ? Json(nvrtc->version()) : Json(nullptr)},
          {"why_not", nvrtc != nullptr ? Json(nullptr) : Json(report.nvrtc.why_not)},
          {"looked_at", report.nvrtc.looked_at}};
}

std::string to_text(const GpuReport& report) {
  std::string text;
  if (report.gpus.empty()) text += fmt::format("gpu   not usable: {}\n", report.why_none);
  for (const gpu::GpuInfo& gpu : report.gpus) {
    const std::string clock = gpu.clock_khz ? fmt::format(", up to {} MHz", *gpu.clock_khz / 1000) : "";
    text += fmt::format("cuda:{} {}, compute capability {}, {} SMs{}, {} MiB, L2 {} MiB, PCI {}\n", gpu.ordinal,
                        gpu.name, compute_capability(gpu), gpu.multiprocessors, clock, gpu.memory_bytes / kMib,
                        gpu.l2_bytes / kMib, gpu.pci_id);
    const std::optional<std::string> why_not = gpu::why_unusable(gpu);
    text += fmt::format("      {}\n", why_not ? "not usable: " + *why_not : "usable");
  }
  if (report.nvrtc.nvrtc != nullptr) {
    return text + fmt::format("nvrtc {}, {}\n", report.nvrtc.nvrtc->version(), report.nvrtc.nvrtc->library());
  }
  text += fmt::format("nvrtc not usable: {}\n", report.nvrtc.why_not);
  for (const std::string& outcome : report.nvrtc.looked_at) {
    text += fmt::format("      {}\n", outcome);
  }
  return text;
}

}  // namespace thresher::cli
