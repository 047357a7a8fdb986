// Making, packing and running the data sets of a case.
#include "cli/bench_data.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "cli/interrupt.hpp"
#include "device/cpu_info.hpp"
#include "device/floor.hpp"
#include "device/memory.hpp"

namespace thresher::cli {
namespace {

std::optional<std::size_t> memory_limit() {
  const std::optional<std::size_t> available = device::available_memory_bytes();
  // Half, because the source weights of a group, the reference and other programs need memory too.
  return available ? std::optional<std::size_t>(*available / 2) : std::nullopt;
}

// What a call touches, which is what one set must hold. At least a cache line: problems without rows touch nothing.
std::size_t touched_bytes(const Problem& problem) {
  return std::max<std::size_t>(64, static_cast<std::size_t>(device::work_of(problem).bytes()));
}

}  // namespace

BenchData::BenchData(const Problem& problem, Recipe recipe, std::uint64_t seed, const Engine& engine,
                     Progress& progress)
    : problem_(problem),
      engine_(engine),
      set_bytes_(touched_bytes(problem)),
      rotation_(measure::sets_for(set_bytes_, device::cpu_info().l3_bytes, memory_limit())),
      workspace_(0) {
  const ProblemData inputs = generate_activations(problem, recipe, seed);
  const WeightsShape shape{.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k};
  for (int i = 0; i < rotation_.sets; ++i) {
    sets_.push_back(
        {.weights = PackedWeights(shape), .inputs = inputs, .out = OutputBuffer(problem, inputs.out_global_scale)});
  }
  workspace_ = AlignedBytes(engine.workspace_bytes(sets_.front().weights, problem.total_m()));
  pack(recipe, seed, progress);
}

void BenchData::pack(Recipe recipe, std::uint64_t seed, Progress& progress) {
  for (std::int64_t group = 0; group < problem_.groups(); ++group) {
    stop_if_interrupted();
    progress.update(group, problem_.groups());
    const Nvfp4Matrix gate = generate_weights(problem_, recipe, seed, group, 0);
    const std::optional<Nvfp4Matrix> up =
        problem_.op == Op::gated ? std::optional(generate_weights(problem_, recipe, seed, group, 1)) : std::nullopt;
    for (Set& set : sets_) {
      if (up) {
        set.weights.pack(group, gate.view(), up->view());
      } else {
        set.weights.pack(group, gate.view());
      }
    }
  }
}

void BenchData::run(int index) {
  Set& set = sets_[static_cast<std::size_t>(index)];
  const GroupedGemmArgs args{.a = set.inputs.a(),
                             .offsets = set.inputs.offsets,
                             .out = set.out.view(),
                             .bias = set.inputs.bias,
                             .bias_up = set.inputs.bias_up,
                             .activation = problem_.activation,
                             .workspace = workspace_.span(),
                             .report = &report_};
  set.ran = true;
  if (problem_.op == Op::gated) {
    engine_.grouped_gated_gemm(set.weights, args);
  } else {
    engine_.grouped_gemm(set.weights, args);
  }
}

void BenchData::poison(std::byte value) {
  for (Set& set : sets_) {
    set.out.poison(value);
    set.ran = false;
  }
}

AnswerReport BenchData::judge(const AnswerCheck& check) const {
  const Set* first = nullptr;
  AnswerReport report;
  for (const Set& set : sets_) {
    if (!set.ran) {
      continue;
    }
    if (first == nullptr) {
      first = &set;
      report = check.judge(set.out);
    } else if (report.ok() && (!set.out.fences_intact() || !set.out.same_bytes(first->out))) {
      report.error = fmt::format("wrong answer: data set {} of {} has other bytes than the first, from the same inputs",
                                 &set - sets_.data() + 1, sets_.size());
    }
  }
  return report;
}

}  // namespace thresher::cli
