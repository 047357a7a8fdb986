// thresher ceilings: measures what this machine can do at most, and keeps it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/interrupt.hpp"
#include "cli/json_output.hpp"
#include "cli/option_types.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "device/cpu_info.hpp"
#include "device/environment.hpp"
#include "measure/ceilings.hpp"
#include "measure/ceilings_store.hpp"

namespace thresher::cli {
namespace {

struct CeilingsArguments {
  std::string device = "cpu";
  int threads = 0;
  bool json = false;
};

struct CeilingsReport {
  std::string device;
  device::Ceilings ceilings;
  std::filesystem::path stored;
};

std::string to_text(const CeilingsReport& report) {
  const device::Ceilings& ceilings = report.ceilings;
  const auto per_thread = [&](double value) { return fmt::format("{:.3g}", value / ceilings.threads); };
  std::vector<std::vector<std::string>> rows;
  const double read = ceilings.read_bytes_per_second * 1e-9;
  rows.push_back({"read from memory", fmt::format("{:.4g}", read), per_thread(read), "GB/s"});
  for (const auto& [isa, rate] : ceilings.flops_per_second) {
    const double gflops = rate * 1e-9;
    rows.push_back(
        {fmt::format("multiply-add {}", to_string(isa)), fmt::format("{:.4g}", gflops), per_thread(gflops), "GFLOP/s"});
  }
  return fmt::format("{}, {} thread{}\n", report.device, ceilings.threads, ceilings.threads == 1 ? "" : "s") +
         Table::fitted({{"ceiling", 0, Align::left}, {"measured"}, {"a thread"}, {"", 0, Align::left}}, rows) +
         fmt::format("stored in {}\n", report.stored.string());
}

Json to_json(const CeilingsReport& report) {
  return {{"device", report.device},
          {"machine", report.ceilings.machine},
          {"ceilings", cli::to_json(report.ceilings)},
          {"stored", report.stored.string()}};
}

int run_ceilings(const CeilingsArguments& arguments) {
  // Found before measuring: who has no place to store it should not wait for it.
  const std::filesystem::path folder = measure::cache_folder(device::read_environment());
  Progress progress;
  CeilingsReport report;
  report.device = device::cpu_info().name;
  measure::CeilingOptions options;
  options.threads = arguments.threads;
  options.progress = [&progress](const std::string& step) {
    stop_if_interrupted();
    progress.stage(step);
  };
  report.ceilings = measure::measure_ceilings(options);
  progress.clear();
  measure::store_ceilings(folder, report.ceilings);
  report.stored = measure::ceilings_path(folder, report.ceilings.machine, report.ceilings.threads);
  print(arguments.json ? dump(to_json(report)) + "\n" : to_text(report));
  return 0;
}

}  // namespace

Command add_ceilings(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("ceilings");
  const auto arguments = std::make_shared<CeilingsArguments>();
  add_device(*app, arguments->device);
  add_threads(*app, arguments->threads);
  app->add_flag("--json", arguments->json);
  return {app, [arguments] { return run_ceilings(*arguments); }};
}

}  // namespace thresher::cli
