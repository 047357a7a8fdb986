// Making, packing, copying and judging the data sets of a case.
#include "cli/gpu_bench_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/interrupt.hpp"
#include "device/floor.hpp"
#include "gpu/gpu_engine_access.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

// Twice the L2 cache would be 120 MB on an H200; more costs little and leaves no doubt.
constexpr std::size_t kLeastBytes = 300'000'000;

// Problems without rows read nothing; a cache line stands for that.
std::size_t weight_bytes(const Problem& problem) {
  return std::max<std::size_t>(64, static_cast<std::size_t>(device::work_of(problem).weight_bytes));
}

}  // namespace

measure::Rotation gpu_rotation(std::size_t weight_bytes, std::size_t l2_bytes, std::size_t most_sets) {
  measure::Rotation rotation =
      measure::sets_for(weight_bytes, std::max(l2_bytes, kLeastBytes / 2), most_sets * weight_bytes);
  if (rotation.sets == 1 && most_sets > 1) rotation.sets = 2;
  return rotation;
}

GpuBenchData::GpuBenchData(const Problem& problem, Recipe recipe, std::uint64_t seed, const GpuEngine& engine,
                           Progress& progress)
    : inputs_(generate_activations(problem, recipe, seed)), set_bytes_(weight_bytes(problem)) {
  const gpu::ContextRef context = gpu::context_of(engine);
  const std::size_t free = context->free_bytes();
  sets_.push_back(std::make_unique<GpuProblem>(engine, inputs_));
  const std::size_t most_sets = free / 2 / sets_.front()->device_bytes();
  if (most_sets == 0) {
    throw Error(
        ErrorCode::out_of_memory,
        fmt::format("one data set needs {} bytes of the GPU's memory, of which {} are free; choose a smaller case",
                    sets_.front()->device_bytes(), free));
  }
  rotation_ = gpu_rotation(set_bytes_, context->gpu().l2_bytes, most_sets);
  pack(recipe, seed, progress);
  for (int set = 1; set < rotation_.sets; ++set) {
    stop_if_interrupted();
    sets_.push_back(std::make_unique<GpuProblem>(engine, inputs_, sets_.front()->workspace()));
    sets_.back()->copy_weights(*sets_.front());
  }
}

void GpuBenchData::pack(Recipe recipe, std::uint64_t seed, Progress& progress) {
  const Problem& problem = inputs_.problem;
  for (std::int64_t group = 0; group < problem.groups(); ++group) {
    stop_if_interrupted();
    progress.update(group, problem.groups());
    const Nvfp4Matrix gate = generate_weights(problem, recipe, seed, group, 0);
    if (problem.op == Op::gated) {
      const Nvfp4Matrix up = generate_weights(problem, recipe, seed, group, 1);
      const Nvfp4View up_view = up.view();
      sets_.front()->pack(group, gate.view(), &up_view);
    } else {
      sets_.front()->pack(group, gate.view(), nullptr);
    }
  }
}

void GpuBenchData::run(int set, const gpu::Stream& stream) const {
  sets_[static_cast<std::size_t>(set)]->run(stream);
}

void GpuBenchData::poison(std::byte value, const gpu::Stream& stream) {
  for (const auto& set : sets_)
    set->poison(value, stream);
}

AnswerReport GpuBenchData::judge(const AnswerCheck& check) const {
  const OutputBuffer first(inputs_.problem, inputs_.out_global_scale);
  const OutputBuffer other(inputs_.problem, inputs_.out_global_scale);
  sets_.front()->download(first);
  AnswerReport report = check.judge(first);
  for (std::size_t set = 0; set < sets_.size() && report.ok(); ++set) {
    stop_if_interrupted();
    if (!sets_[set]->fences_intact()) report.error = "wrong answer: wrote outside the result or the workspace";
    if (set == 0) continue;
    sets_[set]->download(other);
    if (report.ok() && !other.same_bytes(first)) {
      report.error = fmt::format("wrong answer: data set {} of {} has other bytes than the first, from the same inputs",
                                 set + 1, sets_.size());
    }
  }
  return report;
}

}  // namespace thresher::cli
