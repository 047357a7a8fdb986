// thresher devices: what can run here, and why the rest cannot.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "cli/gpu_report.hpp"
#include "cli/json_output.hpp"
#include "cli/option_types.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/table.hpp"
#include "device/cpu_info.hpp"
#include "device/environment.hpp"
#include "device/memory.hpp"

namespace thresher::cli {
namespace {

struct DevicesReport {
  device::CpuInfo cpu;
  std::string machine;
  std::optional<std::size_t> available_bytes;
  std::optional<Isa> forced;  // by THRESHER_CPU_ISA
  GpuReport gpus;
};

Json to_json(const DevicesReport& report) {
  Json isas = Json::array();
  for (const IsaStatus& status : report.cpu.isas) {
    isas.push_back({{"isa", to_string(status.isa)},
                    {"usable", status.usable},
                    {"why_not", status.usable ? Json(nullptr) : Json(status.why_not)}});
  }
  const Json cpu = {{"device", "cpu"},
                    {"usable", true},
                    {"name", report.cpu.name},
                    {"machine", report.machine},
                    {"cores", report.cpu.cores},
                    {"l1d_bytes", report.cpu.l1d_bytes},
                    {"l2_bytes", report.cpu.l2_bytes},
                    {"l3_bytes", report.cpu.l3_bytes},
                    {"available_bytes", report.available_bytes ? Json(*report.available_bytes) : Json(nullptr)},
                    {"forced_isa", report.forced ? Json(to_string(*report.forced)) : Json(nullptr)},
                    {"isas", isas}};
  Json devices = Json::array({cpu});
  for (Json& gpu : devices_json(report.gpus)) {
    devices.push_back(std::move(gpu));
  }
  return {{"devices", std::move(devices)}, {"nvrtc", nvrtc_json(report.gpus)}};
}

std::string cache_size(std::size_t bytes) {
  constexpr std::size_t kKib = 1024;
  return bytes >= kKib * kKib ? fmt::format("{} MiB", bytes / kKib / kKib) : fmt::format("{} KiB", bytes / kKib);
}

std::string to_text(const DevicesReport& report) {
  const device::CpuInfo& cpu = report.cpu;
  std::string text = fmt::format("cpu   {}, {} logical CPU{}, L1d {} and L2 {} a core, L3 {}\n", cpu.name, cpu.cores,
                                 cpu.cores == 1 ? "" : "s", cache_size(cpu.l1d_bytes), cache_size(cpu.l2_bytes),
                                 cache_size(cpu.l3_bytes));
  const Table table({{"", 4, Align::left}, {"", 8, Align::left}, {"", 0, Align::left}});
  for (const IsaStatus& status : cpu.isas) {
    text += table.row({"", to_string(status.isa), status.usable ? "usable" : "not usable: " + status.why_not}) + "\n";
  }
  if (report.forced) {
    text += fmt::format("      THRESHER_CPU_ISA forces {}\n", to_string(*report.forced));
  }
  return text + to_text(report.gpus);
}

int run_devices(bool json) {
  const device::CpuInfo& cpu = device::cpu_info();
  const DevicesReport report{.cpu = cpu,
                             .machine = device::machine_key(cpu),
                             .available_bytes = device::available_memory_bytes(),
                             .forced = forced_isa(std::nullopt),
                             .gpus = look_for_gpus(device::read_environment())};
  print(json ? dump(to_json(report)) + "\n" : to_text(report));
  return 0;
}

}  // namespace

Command add_devices(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("devices");
  const auto json = std::make_shared<bool>(false);
  app->add_flag("--json", *json);
  return {app, [json] { return run_devices(*json); }};
}

}  // namespace thresher::cli
