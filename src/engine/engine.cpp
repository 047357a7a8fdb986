// Engine: checks a call completely, resolves its config and runs it on the CPU backend.
#include "thresher/engine.hpp"

#include <algorithm>
#include <array>
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
    summary.groups_with_rows += rows > 0 ? 1 : 0;
    summary.largest_m = std::max(summary.largest_m, rows);
  }
  return summary;
}

std::string words(const Champion& champion) {
  const std::string of = champion.source.empty() ? "" : " (" + champion.source + ")";
  return std::string("the champion of ") + to_string(champion.op) + " " + to_string(champion.shape_class) + of;
}

// Champions are checked by themselves, so that a wrong table is refused on every machine and for every caller.
void validate_champions(const ChampionTable& champions) {
  for (const Champion& champion : champions) {
    if (champion.config.isa == Isa::automatic) {
      engine::refuse(words(champion) + " has isa=automatic; name the instruction set that it won with");
    }
    if (const auto why = cpu::why_invalid(champion.config, OutputType::fp32)) {
      engine::refuse(words(champion) + " can't be used: " + *why);
    }
    if (find_champion(champions, champion.op, champion.shape_class, champion.config.isa) != &champion) {
      engine::refuse(words(champion) + " is the second for isa=" + to_string(champion.config.isa) + "; remove one");
    }
  }
}

std::size_t choice_index(Op op, ShapeClass shape_class, OutputType output) {
  return (static_cast<std::size_t>(op) * 2 + static_cast<std::size_t>(shape_class)) * 4 +
         static_cast<std::size_t>(output);
}

constexpr std::array kOps = {Op::plain, Op::gated};
constexpr std::array kShapeClasses = {ShapeClass::decode, ShapeClass::prefill};
constexpr std::array kOutputs = {OutputType::fp16, OutputType::bf16, OutputType::fp32, OutputType::nvfp4};

}  // namespace

Engine::Engine(const EngineOptions& options) : champions_(options.champions) {
  CpuConfig asked = options.cpu;
  const std::optional<Isa> forced = engine::forced_isa(device::read_environment().cpu_isa, device::cpu_info().isas);
  if (forced) asked.isa = *forced;
  // A config that can't run is refused here, where it was given, and not by the first call.
  const CpuConfig probed = cpu::resolve(asked, kProbe, OutputType::fp16);
  // NOTE: OpenMP's default is a property of the calling thread. Settled here, the workspace that one thread asked for
  // is large enough for a call by any other.
  asked.threads = probed.threads;
  validate_champions(champions_);
  for (const Op op : kOps) {
    for (const ShapeClass shape_class : kShapeClasses) {
      for (const OutputType output : kOutputs) {
        choices_[choice_index(op, shape_class, output)] = choose(asked, op, shape_class, output, probed.isa);
      }
    }
  }
}

// A champion that can't run together with what the caller asked for steps back whole: half of it never won anything.
Engine::Choice Engine::choose(const CpuConfig& asked, Op op, ShapeClass shape_class, OutputType output, Isa isa) const {
  const Champion* champion = find_champion(champions_, op, shape_class, isa);
  if (champion == nullptr) return {asked, std::nullopt};
  CpuConfig filled = with_champion(asked, champion->config);
  filled.isa = isa;
  if (cpu::why_invalid(filled, output)) return {asked, std::nullopt};
  return {filled, static_cast<std::size_t>(champion - champions_.data())};
}

const Engine::Choice& Engine::choice(Op op, ShapeClass shape_class, OutputType output) const {
  return choices_[choice_index(op, shape_class, output)];
}

void Engine::run(Op op, const PackedWeights& weights, const GroupedGemmArgs& args) const {
  engine::validate_call(op, weights, args);
  const cpu::ShapeSummary summary = summarise(weights.shape(), args.offsets);
  const CpuConfig& config = choice(op, shape_class(summary.total_m, summary.groups_with_rows), args.out.type).config;
  const CpuConfig resolved = cpu::resolve(config, summary, args.out.type);
  // Without rows there is no output to write, so neither workspace nor any data pointer is needed.
  const bool has_rows = args.a.rows > 0;
  if (has_rows) engine::validate_workspace(args, cpu::workspace_bytes(config, weights.shape(), args.a.rows));
  engine::validate_overlaps(weights, args);
  if (!has_rows) {
    if (args.report != nullptr) *args.report = CallReport{.isa = resolved.isa, .config = resolved};
    return;
  }
  cpu::run(weights.storage(), args, resolved);
}

void Engine::grouped_gemm(const PackedWeights& weights, const GroupedGemmArgs& args) const {
  run(Op::plain, weights, args);
}

void Engine::grouped_gated_gemm(const PackedWeights& weights, const GroupedGemmArgs& args) const {
  run(Op::gated, weights, args);
}

std::size_t Engine::workspace_bytes(const PackedWeights& weights, std::int64_t max_rows) const {
  if (max_rows < 0 || max_rows > std::numeric_limits<std::int32_t>::max()) {
    engine::refuse("max_rows is " + std::to_string(max_rows) + "; give 0 to 2147483647");
  }
  // The rows of a call may make it decode or prefill, and a champion may serve some output types only.
  std::size_t bytes = 0;
  for (const ShapeClass shape_class : kShapeClasses) {
    for (const OutputType output : kOutputs) {
      const CpuConfig& config = choice(weights.shape().op, shape_class, output).config;
      bytes = std::max(bytes, cpu::workspace_bytes(config, weights.shape(), max_rows));
    }
  }
  return bytes;
}

CpuConfig Engine::resolve(const Problem& problem) const {
  validate(problem);
  cpu::ShapeSummary summary{.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k};
  for (const std::int64_t rows : problem.m) {
    summary.largest_m = std::max(summary.largest_m, rows);
    summary.groups_with_rows += rows > 0 ? 1 : 0;
  }
  summary.total_m = problem.total_m();
  return cpu::resolve(choice(problem.op, shape_class(problem), problem.output).config, summary, problem.output);
}

const Champion* Engine::champion(const Problem& problem) const {
  validate(problem);
  const std::optional<std::size_t> index = choice(problem.op, shape_class(problem), problem.output).champion;
  return index ? &champions_[*index] : nullptr;
}

std::vector<IsaStatus> cpu_isas() {
  return device::cpu_info().isas;
}

}  // namespace thresher
