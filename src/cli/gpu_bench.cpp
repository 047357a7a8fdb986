// Opens the GPU, goes through the cases, prints.
#include "cli/gpu_bench.hpp"

#include <fmt/format.h>

#include <memory>

#include "cli/bench_case.hpp"
#include "cli/bench_table.hpp"
#include "cli/gpu_bench_case.hpp"
#include "cli/gpu_bench_output.hpp"
#include "cli/gpu_device.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "device/cpu_info.hpp"
#include "device/environment.hpp"
#include "gpu/gpu_engine_access.hpp"

namespace thresher::cli {
namespace {

// Measures on first use and tells the reader: every share in the table refers to these numbers.
const measure::GpuCeilings& ceilings_once(GpuBenchReport& report, const GpuEngine& engine, Progress& progress,
                                          bool json) {
  if (!report.ceilings) {
    report.ceilings = measure::measure_gpu_ceilings(gpu::context_of(engine), device::read_environment(),
                                                    [&](const std::string& step) {
                                                      stop_if_interrupted();
                                                      progress.stage(step);
                                                    });
    progress.clear();
    if (!json) print_line("measured: " + ceilings_line(*report.ceilings));
  }
  return *report.ceilings;
}

void print_result(const GpuBenchResult& result, bool first) {
  const Table table = gpu_bench_table();
  if (first) print_line(table.header());
  print_line(table.row(gpu_bench_cells(result)));
  const std::string remark = bench_remark(result.common);
  if (!remark.empty()) print_line(remark);
}

int finish(const GpuBenchReport& report, bool json) {
  if (json) {
    print_line(dump(to_json(report)));
  } else {
    for (const std::string& warning : report.warnings)
      print_line("remark: " + warning);
  }
  if (report.interrupted) throw Interrupted();
  return report.ok() ? 0 : 1;
}

}  // namespace

int run_gpu_bench(const GpuBenchRequest& request) {
  const BenchOptions& options = request.options;
  const std::unique_ptr<GpuEngine> engine = open_gpu(request.ordinal, request.config);
  const catalog::Catalog catalog = catalog::open_catalog(options.folder, device::read_environment());
  const std::vector<catalog::Case> cases = chosen_cases(catalog, options.cases);

  GpuBenchReport report;
  report.device = name_of(gpu::context_of(*engine)->gpu());
  report.machine = device::machine_key(device::cpu_info());
  report.cases_from = catalog.source;
  Progress progress;
  if (!request.json) {
    print_line(
        fmt::format("{}; {} of {} cases, {}", report.device, cases.size(), catalog.cases.size(), catalog.source));
  }
  const GpuCeilingsOf ceilings_of = [&]() -> const measure::GpuCeilings& {
    return ceilings_once(report, *engine, progress, request.json);
  };
  try {
    for (const catalog::Case& one : cases) {
      stop_if_interrupted();
      report.results.push_back(gpu_bench_case(one, options, request.config, *engine, ceilings_of, progress));
      if (!request.json) print_result(report.results.back(), report.results.size() == 1);
    }
  } catch (const Interrupted&) {
    progress.clear();
    report.interrupted = true;
  }
  report.warnings = engine->warnings();
  return finish(report, request.json);
}

}  // namespace thresher::cli
