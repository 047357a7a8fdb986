// One side of a race: a worker with its candidate, stopped whenever it is not asked to compute.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "measure/candidate.hpp"
#include "measure/cpu_executor.hpp"
#include "measure/race_checks.hpp"
#include "measure/race_data.hpp"
#include "measure/worker_process.hpp"
#include "thresher/engine.hpp"

namespace thresher::measure {

struct SideCall {
  double seconds = 0.0;
  double waited_seconds = 0.0;       // of these at most, for a core: the machine's fault
  std::optional<CallReport> report;  // of configs
  std::optional<Failure> failure;
};

class CandidateSide {
 public:
  CandidateSide(Candidate candidate, const CpuExecutorOptions& options);

  /// Starts the worker and loads the candidate. Like everything below, a failure is final.
  std::optional<Failure> start();

  /// Threads are what a library may use.
  std::optional<Failure> prepare(int slot, const Problem& problem, int threads, const WeightSets& weights,
                                 const Inputs& inputs, const Outputs& outputs);
  std::optional<Failure> release(int slot);

  /// Another config on what is prepared. A failure leaves the earlier one.
  std::optional<Failure> configure(const Candidate& candidate);

  /// One call, timed from the message to the answer.
  SideCall call(int slot, int set, const Inputs& inputs, const Outputs& outputs, double timeout_seconds);

  /// Lets it run for a moment with nothing to do: a failure if it does something.
  std::optional<Failure> quiet();

  [[nodiscard]] const Candidate& candidate() const { return candidate_; }
  [[nodiscard]] const std::string& gap() const { return gap_; }
  [[nodiscard]] bool alive() const { return worker_ && worker_->alive(); }

 private:
  Answer ask(const nlohmann::json& content, double timeout_seconds, std::span<const int> fds = {});
  [[nodiscard]] Failure failure_of(const std::string& doing, const Answer& answer) const;
  void note_stopped();

  Candidate candidate_;
  const CpuExecutorOptions& options_;
  std::unique_ptr<WorkerProcess> worker_;
  std::string gap_;                         // what the sandbox can't enforce here
  std::optional<double> cpu_when_stopped_;  // processor time, to see that it stands still
  std::optional<Failure> moved_while_stopped_;
};

/// Everything that can be wrong with one call's memory; `tally` adds up what was compared. `selection` is compared with
/// the reference.
std::optional<Failure> judge_call(const Inputs& inputs, const Outputs& outputs, const WeightSets& weights, int set,
                                  const reference::Selection& selection, const CpuChecks& checks, ElementCheck& tally,
                                  bool exact = false);

}  // namespace thresher::measure
