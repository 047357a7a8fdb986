// Engine: checks a call completely, resolves its config and runs it on the CPU backend.
#include "thresher/engine.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "cpu/grouped_gemm.hpp"
#include "cpu/packed_storage.hpp"
#include "device/cpu_info.hpp"
#include "device/environment.hpp"
#include "engine/forced_isa.hpp"
#include "engine/message.hpp"
#include "engine/validate_call.hpp"
#include "thresher/error.hpp"

namespace thresher {
namespace {

// A shape that every config can run: what a config is checked with before any problem is known.
constexpr cpu::ShapeSummary kProbe{
    .op = Op::gated, .groups = 1, .total_m = 256, .largest_m = 256, .n = 1024, .k = 1024};

cpu::ShapeSummary summarise(const WeightsShape& shape, std::span<const std::int32_t> offsets) {
  cpu::ShapeSummary summary{.op = shape.op, .groups = shape.groups, .n = shape.n, .k = shape.k};
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    const std::int64_t rows = offsets[i] - offsets[i - 1];
    summary.total_m += rows;
    summary.largest_m = std::max(summary.largest_m, rows);
  }
  return summary;
}

void run(Op op, const CpuConfig& config, const PackedWeights& weights, const GroupedGemmArgs& args) {
  engine::validate_call(op, weights, args);
  const CpuConfig resolved = cpu::resolve(config, summarise(weights.shape(), args.offsets), args.out.type);
  if (args.a.rows == 0) {
    // No output to write, so neither workspace nor any data pointer is needed.
    if (args.report != nullptr) *args.report = CallReport{.isa = resolved.isa, .config = resolved};
    return;
  }
  engine::validate_workspace(args, cpu::workspace_bytes(config, weights.shape(), args.a.rows));
  engine::validate_overlaps(weights, args);
  cpu::run(weights.storage(), args, resolved);
}

}  // namespace

Engine::Engine(const EngineOptions& options) : config_(options.cpu) {
  const std::optional<Isa> forced = engine::forced_isa(device::read_environment().cpu_isa, device::cpu_info().isas);
  if (forced) config_.isa = *forced;
  // A config that can't run is refused here, where it was given, and not by the first call.
  const CpuConfig probed = cpu::resolve(config_, kProbe, OutputType::fp16);
  // NOTE: OpenMP's default is a property of the calling thread. Settled here, the workspace that one thread asked for
  // is large enough for a call by any other. (One thread can't be settled for specialised roles, which ask for pairs.)
  const bool settles = probed.threads > 1 || config_.roles == Roles::fused;
  if (config_.threads == 0 && settles) config_.threads = probed.threads;
}

void Engine::grouped_gemm(const PackedWeights& weights, const GroupedGemmArgs& args) const {
  run(Op::plain, config_, weights, args);
}

void Engine::grouped_gated_gemm(const PackedWeights& weights, const GroupedGemmArgs& args) const {
  run(Op::gated, config_, weights, args);
}

std::size_t Engine::workspace_bytes(const PackedWeights& weights, std::int64_t max_rows) const {
  if (max_rows < 0 || max_rows > std::numeric_limits<std::int32_t>::max()) {
    engine::refuse("max_rows is " + std::to_string(max_rows) + "; give 0 to 2147483647");
  }
  return cpu::workspace_bytes(config_, weights.shape(), max_rows);
}

CpuConfig Engine::resolve(const Problem& problem) const {
  validate(problem);
  cpu::ShapeSummary summary{.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k};
  for (const std::int64_t rows : problem.m)
    summary.largest_m = std::max(summary.largest_m, rows);
  summary.total_m = problem.total_m();
  return cpu::resolve(config_, summary, problem.output);
}

std::vector<IsaStatus> cpu_isas() {
  return device::cpu_info().isas;
}

}  // namespace thresher
