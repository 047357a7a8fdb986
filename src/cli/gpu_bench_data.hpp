// The data sets that a measurement on a GPU rotates over: the same contents in different memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cli/answer_check.hpp"
#include "cli/gpu_problem.hpp"
#include "cli/progress.hpp"
#include "measure/rotation.hpp"

namespace thresher::cli {

/// Sets so that the weights that calls read exceed twice the L2 cache and 300 MB, and at least two.
measure::Rotation gpu_rotation(std::size_t weight_bytes, std::size_t l2_bytes, std::size_t most_sets);

class GpuBenchData {
 public:
  /// Generates and packs; every set but the first is copied within the GPU. All sets share one workspace. Throws
  /// Error(out_of_memory) when not even one set fits half of the free memory.
  GpuBenchData(const Problem& problem, Recipe recipe, std::uint64_t seed, const GpuEngine& engine, Progress& progress);
  GpuBenchData(const GpuBenchData&) = delete;
  GpuBenchData& operator=(const GpuBenchData&) = delete;

  /// Launches a call of one set; nothing waits.
  void run(int set, const gpu::Stream& stream) const;
  void poison(std::byte value, const gpu::Stream& stream);

  /// Judges the outputs of all sets, which must have run since poison(): the first by the reference, the others by
  /// being its very bytes.
  [[nodiscard]] AnswerReport judge(const AnswerCheck& check) const;

  [[nodiscard]] const ProblemData& inputs() const { return inputs_; }
  [[nodiscard]] const measure::Rotation& rotation() const { return rotation_; }
  /// Of the weights that a call reads.
  [[nodiscard]] std::size_t set_bytes() const { return set_bytes_; }

 private:
  void pack(Recipe recipe, std::uint64_t seed, Progress& progress);

  ProblemData inputs_;  // without weights
  std::size_t set_bytes_ = 0;
  measure::Rotation rotation_;
  std::vector<std::unique_ptr<GpuProblem>> sets_;
};

}  // namespace thresher::cli
