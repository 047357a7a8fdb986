// Ceilings into facts, facts into floors.
#include "measure/cpu_floors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "device/cpu_info.hpp"
#include "device/floor.hpp"
#include "measure/ceilings.hpp"
#include "thresher/engine.hpp"

namespace thresher::measure {
namespace {

device::Ceilings measure(int passes) {
  CeilingOptions options;
  options.passes = passes;
  return measure_ceilings(options);
}

double best_rate(const device::Ceilings& ceilings) {
  double best = 0.0;
  for (const auto& [isa, rate] : ceilings.flops_per_second)
    best = std::max(best, rate);
  return best;
}

}  // namespace

Floors::Floors(const CpuExecutorOptions& options)
    : passes_(options.ceiling_passes), may_measure_(!options.ceilings.has_value()) {
  const device::CpuInfo& cpu = device::cpu_info();
  facts_.name = cpu.name;
  facts_.machine = device::machine_key(cpu);
  facts_.l1d_bytes = cpu.l1d_bytes;
  facts_.l2_bytes = cpu.l2_bytes;
  facts_.l3_bytes = cpu.l3_bytes;
  facts_.ceilings = options.ceilings ? *options.ceilings : measure(passes_);
  facts_.threads = facts_.ceilings.threads;
  const Problem probe{.op = Op::gated, .m = {16}, .n = 32, .k = 32};
  facts_.kind = std::string("cpu-") + to_string(Engine().resolve(probe).isa);
}

double Floors::seconds(const Problem& problem) const {
  // The best instruction set of the machine, whichever a config uses: a library may use any.
  return device::floor(problem, facts_.ceilings.read_bytes_per_second, best_rate(facts_.ceilings)).seconds();
}

void Floors::measure_again() {
  if (!may_measure_) return;
  const device::Ceilings again = measure(passes_);
  device::Ceilings& best = facts_.ceilings;
  best.read_bytes_per_second = std::max(best.read_bytes_per_second, again.read_bytes_per_second);
  for (const auto& [isa, rate] : again.flops_per_second)
    best.flops_per_second[isa] = std::max(best.flops_per_second[isa], rate);
}

std::optional<Failure> Floors::impossible(const catalog::Case& one, double seconds_taken) {
  // Several looks, because whoever kept the machine busy during the first may still do so during the second.
  constexpr int kLooks = 3;
  for (int look = 0; look < kLooks; ++look) {
    if (seconds_taken >= seconds(one.problem)) return std::nullopt;
    measure_again();
  }
  const double floor = seconds(one.problem);
  if (seconds_taken >= floor) return std::nullopt;
  return Failure{FailureKind::impossible,
                 fmt::format("{} took {:.1f} us, but this machine needs at least {:.1f} us for it (its measured "
                             "ceilings are {:.2f} GB/s and {:.1f} GFLOP/s)",
                             one.name, seconds_taken * 1e6, floor * 1e6, facts_.ceilings.read_bytes_per_second * 1e-9,
                             best_rate(facts_.ceilings) * 1e-9)};
}

std::optional<double> clock_mhz() {
  double fastest = 0.0;
  for (int cpu = 0;; ++cpu) {
    const std::string path = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_cur_freq";
    std::ifstream file(path);
    double kilohertz = 0.0;
    if (!(file >> kilohertz)) break;
    fastest = std::max(fastest, kilohertz * 1e-3);
  }
  if (fastest > 0.0) return fastest;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("cpu MHz")) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) fastest = std::max(fastest, std::strtod(line.c_str() + colon + 1, nullptr));
  }
  return fastest > 0.0 ? std::optional<double>(fastest) : std::nullopt;
}

}  // namespace thresher::measure
