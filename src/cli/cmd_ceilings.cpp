// thresher ceilings: measures what this machine can do at most, and keeps it.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>

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
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

struct CeilingsArguments {
  std::string device = "cpu";
  int threads = 0;
  bool force = false;
  bool json = false;
};

struct CeilingsReport {
  std::string device;
  device::Ceilings ceilings;
  std::map<std::string, double> spreads;        // of the passes of each step
  std::optional<std::filesystem::path> stored;  // nothing when the passes disagreed and nobody forced it
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
         (report.stored ? fmt::format("stored in {}\n", report.stored->string()) : "not stored\n");
}

Json to_json(const CeilingsReport& report) {
  return {{"device", report.device},
          {"machine", report.ceilings.machine},
          {"ceilings", cli::to_json(report.ceilings)},
          {"spreads", report.spreads},
          {"stored", report.stored ? Json(report.stored->string()) : Json(nullptr)}};
}

// Ceilings of a busy machine would make every kernel look better than it is, for as long as they are kept.
bool is_steady(const CeilingsReport& report, Progress& progress) {
  bool steady = true;
  for (const auto& [step, spread] : report.spreads) {
    if (spread <= measure::kSteadySpread) continue;
    steady = false;
    progress.note(fmt::format("{}: the middle half of the passes spans {:.0f} % of the median; something else ran",
                              step, 100 * spread));
  }
  return steady;
}

// What was kept earlier is replaced either way; who relied on it should hear that it was wrong.
void note_replaced(const std::filesystem::path& folder, const device::Ceilings& fresh, Progress& progress) {
  try {
    const std::optional<device::Ceilings> kept = measure::load_ceilings(folder, fresh.machine, fresh.threads);
    const std::optional<std::string> why = kept ? measure::why_unbelievable(*kept, fresh) : std::nullopt;
    if (why) progress.note(*why + "; the stored ceilings are replaced");
  } catch (const Error& unreadable) {
    progress.note(std::string(unreadable.what()) + " (replaced now)");
  }
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
  options.spread = [&report](const std::string& step, double spread) { report.spreads[step] = spread; };
  report.ceilings = measure::measure_ceilings(options);
  progress.clear();
  const bool store = is_steady(report, progress) || arguments.force;
  if (store) {
    note_replaced(folder, report.ceilings, progress);
    measure::store_ceilings(folder, report.ceilings);
    report.stored = measure::ceilings_path(folder, report.ceilings.machine, report.ceilings.threads);
  } else {
    progress.note("not stored: end other programs and measure again, or keep these with --force");
  }
  print(arguments.json ? dump(to_json(report)) + "\n" : to_text(report));
  return store ? 0 : 1;
}

}  // namespace

Command add_ceilings(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("ceilings");
  const auto arguments = std::make_shared<CeilingsArguments>();
  add_device(*app, arguments->device);
  add_threads(*app, arguments->threads);
  app->add_flag("--force", arguments->force);
  app->add_flag("--json", arguments->json);
  return {app, [arguments] { return run_ceilings(*arguments); }};
}

}  // namespace thresher::cli
