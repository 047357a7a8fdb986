// Takes the rows and objects of the CPU's results and puts in what is different on a GPU.
#include "cli/gpu_bench_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/bench_table.hpp"
#include "tank/or_null.hpp"

namespace thresher::cli {
using tank::or_null;

namespace {

// Of bench_cells().
constexpr std::size_t kKernelCell = 2;
constexpr std::size_t kRateCell = 7;

}  // namespace

bool GpuBenchReport::ok() const {
  return !interrupted && std::ranges::all_of(results, [](const GpuBenchResult& r) { return r.common.ok; });
}

Table gpu_bench_table() {
  return Table({{"case", 14, Align::left},
                {"op", 5, Align::left},
                {"kernel", 10, Align::left},
                {"median us", 9},
                {"95 % of median", 18},
                {"floor us", 8},
                {"of floor", 8},
                {"of rate", 9},
                {"TFLOP/s", 7},
                {"GB/s", 6},
                {"max rel err", 11},
                {"ok", 6, Align::left},
                {"config", 0, Align::left}});
}

std::vector<std::string> gpu_bench_cells(const GpuBenchResult& result) {
  std::vector<std::string> cells = bench_cells(result.common);
  cells[kKernelCell] = result.kernel;
  if (result.common.times && !result.rate_known) cells[kRateCell] = "no cuBLAS";
  cells.push_back(to_text(result.config));
  return cells;
}

std::string ceilings_line(const measure::GpuCeilings& ceilings) {
  const std::string copy = fmt::format("copy {:.4g} GB/s (read + written), ", ceilings.copy_bytes_per_second * 1e-9);
  if (!ceilings.matrix_flops_per_second) {
    return copy + fmt::format("no matrix rate, so floors are those of memory alone ({})", ceilings.why_no_rate);
  }
  return copy + fmt::format("cuBLAS fp16 {:.4g} TFLOP/s ({})", *ceilings.matrix_flops_per_second * 1e-12,
                            ceilings.matrix_library);
}

Json to_json(const measure::GpuCeilings& ceilings) {
  const std::optional<double>& rate = ceilings.matrix_flops_per_second;
  return {{"copy_gbytes_per_s", ceilings.copy_bytes_per_second * 1e-9},
          {"tflops", {{"fp16", rate ? Json(*rate * 1e-12) : Json(nullptr)}}},
          {"matrix_library", rate ? Json(ceilings.matrix_library) : Json(nullptr)},
          {"why_no_rate", rate ? Json(nullptr) : Json(ceilings.why_no_rate)},
          {"measured_at", ceilings.measured_at}};
}

Json to_json(const GpuBenchResult& result) {
  Json json;
  const Json common = to_json(result.common);
  for (const auto& [key, value] : common.items()) {
    if (key == "isa" || key == "threads") continue;
    json[key] = value;
  }
  json["kernel"] = result.kernel;
  json["config"] = to_text(result.config);
  if (!result.rate_known) json["rate_fraction"] = nullptr;
  json["host_us"] = or_null(result.host_us);
  json["calls_per_replay"] = result.calls_per_replay;
  return json;
}

Json to_json(const GpuBenchReport& report) {
  Json results = Json::array();
  for (const GpuBenchResult& result : report.results)
    results.push_back(to_json(result));
  return {{"device", report.device},
          {"machine", report.machine},
          {"cases_from", report.cases_from},
          {"ceilings", report.ceilings ? to_json(*report.ceilings) : Json(nullptr)},
          {"results", results},
          {"warnings", report.warnings},
          {"ok", report.ok()},
          {"interrupted", report.interrupted}};
}

}  // namespace thresher::cli
