// Bench results as text.
#include "cli/bench_table.hpp"

#include <fmt/format.h>

namespace thresher::cli {
namespace {

std::string microseconds(double value) {
  return value < 100 ? fmt::format("{:.2f}", value) : fmt::format("{:.0f}", value);
}

std::string percent(double fraction) {
  return fmt::format("{:.1f} %", 100 * fraction);
}

std::string spread(const BenchTimes& times) {
  return times.low_us && times.high_us
             ? fmt::format("{} .. {}", microseconds(*times.low_us), microseconds(*times.high_us))
             : "-";
}

std::string error_text(const BenchResult& result) {
  return result.max_rel_err ? fmt::format("{:.1e}", *result.max_rel_err) : "-";
}

}  // namespace

Table bench_table() {
  return Table({{"case", 14, Align::left},
                {"op", 5, Align::left},
                {"isa", 8, Align::left},
                {"median us", 9},
                {"95 % of median", 18},
                {"floor us", 8},
                {"of floor", 8},
                {"of rate", 7},
                {"TFLOP/s", 7},
                {"GB/s", 6},
                {"max rel err", 11},
                {"ok", 3, Align::left}});
}

std::vector<std::string> bench_cells(const BenchResult& result) {
  const std::string isa = result.isa == Isa::automatic ? "-" : to_string(result.isa);
  if (!result.times) {
    const std::string verdict = result.max_rel_err ? "WRONG" : "FAILED";
    return {result.case_name, to_string(result.op), isa, "-", "-", "-", "-", "-", "-", "-", error_text(result),
            verdict};
  }
  const BenchTimes& times = *result.times;
  return {result.case_name,
          to_string(result.op),
          isa,
          microseconds(times.median_us),
          spread(times),
          microseconds(times.floor_us) + (times.memory_bound ? "m" : "c"),
          percent(times.floor_fraction),
          percent(times.rate_fraction),
          fmt::format("{:.3g}", times.tflops),
          fmt::format("{:.3g}", times.gbytes_per_s),
          error_text(result),
          "yes"};
}

std::string bench_remark(const BenchResult& result) {
  if (!result.ok) {
    return fmt::format("  {}: {}", result.case_name, result.error);
  }
  if (!result.beyond_cache) {
    return fmt::format(
        "  {}: {} data set{} of {} bytes do not exceed twice the last-level cache; weights may have come "
        "from it",
        result.case_name, result.sets, result.sets == 1 ? "" : "s", result.set_bytes);
  }
  return {};
}

std::string ceilings_line(const device::Ceilings& ceilings) {
  std::string text = fmt::format("read {:.3g} GB/s", ceilings.read_bytes_per_second * 1e-9);
  for (const auto& [isa, rate] : ceilings.flops_per_second) {
    text += fmt::format(", {} {:.4g} GFLOP/s", to_string(isa), rate * 1e-9);
  }
  return text + fmt::format(" on {} thread{}", ceilings.threads, ceilings.threads == 1 ? "" : "s");
}

}  // namespace thresher::cli
