// One worker that keeps packed weights of the cases, for calls that are counted or checked but not raced.
//
// Packing the weights of a case takes far longer than a call, and they are the same for every config: so configs take
// turns in one process. Libraries pack as they like and get a process each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "measure/cpu_executor_side.hpp"
#include "measure/cpu_floors.hpp"

namespace thresher::measure {

/// A case with all it needs to be called.
struct BenchedCase {
  int slot = 0;
  WeightSets weights;
  Inputs inputs;
  Outputs outputs;
};

class ConfigBench {
 public:
  ConfigBench(const CpuExecutorOptions& options, const Floors& floors) : options_(options), floors_(floors) {}

  /// Prepares the case, unless that was done before, and puts the config in place. Null and a failure when that did not
  /// work; then the next call starts anew.
  BenchedCase* prepare(const Candidate& candidate, const Problem& problem, std::optional<Failure>& failure);

  [[nodiscard]] CandidateSide& side() { return *side_; }

  /// After a failure: a new process next time.
  void drop();

 private:
  const CpuExecutorOptions& options_;
  const Floors& floors_;
  std::unique_ptr<CandidateSide> side_;
  std::map<std::string, std::unique_ptr<BenchedCase>> cases_;  // by problem
  std::size_t bytes_ = 0;                                      // of raw weights kept
};

}  // namespace thresher::measure
