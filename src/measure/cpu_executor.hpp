// Runs candidates on the CPU of this machine: each in a worker process, with memory, clock and checks of the arbiter's.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "device/ceilings.hpp"
#include "measure/executor.hpp"

namespace thresher::measure {

/// Which checks a call must pass. All of them, but in tests that show what each one is there for.
struct CpuChecks {
  bool unwritten = true;        ///< no poison left in the output
  bool fences = true;           ///< nothing written beside it
  bool inputs = true;           ///< activations and weights as they were
  bool reference = true;        ///< random elements against the reference
  bool other_side = true;       ///< all elements against the other side's
  bool repeats = true;          ///< equal inputs, equal bits
  bool near_duplicates = true;  ///< inputs that differ in one element, at the same address
  bool quiet = true;            ///< no processor time between calls, no process left behind
};

struct CpuExecutorOptions {
  std::filesystem::path program;             // that has the subcommand `worker`; empty: this program
  std::optional<device::Ceilings> ceilings;  // empty: measured once, when the executor is made
  int ceiling_passes = 3;                    // of each ceiling
  double least_timeout_seconds = 10.0;       // of a call; 30 times the incumbent's last time where that is more
  double prepare_timeout_seconds = 600.0;    // of packing all sets of one case
  int check_problems = 12;                   // held-out ones of the correctness gate
  CpuChecks checks;
};

struct SideCall;
class ConfigBench;
class Floors;

class CpuExecutor final : public Executor {
 public:
  /// Measures the ceilings, which takes seconds, unless they are given.
  explicit CpuExecutor(CpuExecutorOptions options = {});
  ~CpuExecutor() override;

  [[nodiscard]] const DeviceFacts& device() const override;
  std::optional<Failure> admit(const Candidate& candidate, std::span<const catalog::Case> cases) override;
  CaseObservables observe(const Candidate& candidate, const catalog::Case& one, bool run) override;
  CheckOutcome check(const Candidate& candidate, std::span<const catalog::Case> cases, std::uint64_t seed) override;
  OpenedRace open_race(const RaceRequest& request) override;
  [[nodiscard]] double floor_seconds(const catalog::Case& one) const override;

  /// What this machine can't enforce on libraries, in words; empty when all is, or before one was admitted.
  [[nodiscard]] const std::string& sandbox_gap() const { return sandbox_gap_; }

 private:
  SideCall call_once(const Candidate& candidate, const Problem& problem);

  CpuExecutorOptions options_;
  std::shared_ptr<Floors> floors_;  // races keep it, too
  std::unique_ptr<ConfigBench> bench_;
  std::string sandbox_gap_;
};

}  // namespace thresher::measure
