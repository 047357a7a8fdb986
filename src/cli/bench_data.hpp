// The data sets that a measurement rotates over: the same contents in different memory, packed expert by expert.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cli/answer_check.hpp"
#include "cli/output_buffer.hpp"
#include "cli/progress.hpp"
#include "format/generate.hpp"
#include "measure/rotation.hpp"
#include "thresher/engine.hpp"

namespace thresher::cli {

class BenchData {
 public:
  /// Generates and packs. One group's source weights exist at a time. Throws Error(out_of_memory) when not even one set
  /// fits half of the available memory.
  BenchData(const Problem& problem, Recipe recipe, std::uint64_t seed, const Engine& engine, Progress& progress);
  BenchData(const BenchData&) = delete;
  BenchData& operator=(const BenchData&) = delete;

  void run(int set);
  void poison(std::byte value);

  /// Judges the outputs of all sets that ran since poison(): the first by the reference, the others by being its very
  /// bytes, for all sets have the same contents.
  [[nodiscard]] AnswerReport judge(const AnswerCheck& check) const;

  [[nodiscard]] const ProblemData& inputs() const { return sets_.front().inputs; }
  [[nodiscard]] const measure::Rotation& rotation() const { return rotation_; }
  [[nodiscard]] std::size_t set_bytes() const { return set_bytes_; }
  [[nodiscard]] const CallReport& last_call() const { return report_; }

 private:
  struct Set {
    PackedWeights weights;
    ProblemData inputs;  // without weights
    OutputBuffer out;
    bool ran = false;
  };
  void pack(Recipe recipe, std::uint64_t seed, Progress& progress);

  Problem problem_;
  const Engine& engine_;
  std::size_t set_bytes_ = 0;
  measure::Rotation rotation_;
  std::vector<Set> sets_;
  AlignedBytes workspace_;
  CallReport report_;
};

}  // namespace thresher::cli
