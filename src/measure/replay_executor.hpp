// Executors without hardware: one serves what was recorded, one what a test makes up. Both are instant.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measure/executor.hpp"

namespace thresher::measure {

/// One call of a recorded race. Calls of a case are served by block, then position.
struct RecordedCall {
  std::string case_name;
  int block = 0;
  int position = 0;
  Side side = Side::incumbent;
  double seconds = 0.0;
  std::optional<Failure> failure;
};

struct RecordedRace {
  std::string name;       // for messages
  std::string candidate;  // its name; races of one candidate are served in the order recorded
  std::vector<RecordedCall> calls;
  std::optional<Failure> not_opened;
  Side failed_side = Side::candidate;
};

/// Everything that a device said in a round.
struct Recording {
  DeviceFacts device;
  std::map<std::string, double> floors;  // seconds by case
  std::vector<RecordedRace> races;
  std::map<std::string, Failure> refused;                           // by candidate: admit()
  std::map<std::string, CheckOutcome> checks;                       // by candidate; missing: it passed
  std::map<std::string, std::vector<CaseObservables>> observables;  // by candidate
};

class ReplayExecutor final : public Executor {
 public:
  explicit ReplayExecutor(Recording recording);

  [[nodiscard]] const DeviceFacts& device() const override { return recording_.device; }
  std::optional<Failure> admit(const Candidate& candidate, std::span<const catalog::Case> cases) override;
  CaseObservables observe(const Candidate& candidate, const catalog::Case& one, bool run) override;
  CheckOutcome check(const Candidate& candidate, std::span<const catalog::Case> cases, std::uint64_t seed) override;
  /// The next recorded race of this candidate. A call that was not recorded is a failure of its side that says so.
  OpenedRace open_race(const RaceRequest& request) override;
  /// Throws Error(invalid_argument) for a case without a recorded floor.
  [[nodiscard]] double floor_seconds(const catalog::Case& one) const override;

 private:
  Recording recording_;
  std::vector<bool> served_;
};

/// How a made-up candidate behaves.
struct SyntheticCandidate {
  double log_effect = 0.0;                     // 0.1: it takes exp(-0.1) of the base time
  std::map<std::string, double> case_effects;  // in place of log_effect, by case
  std::optional<Failure> admit;
  std::optional<Failure> check;
  std::optional<Failure> open;
  std::optional<Failure> run;  // of call number `fails_at` and all later ones
  int fails_at = 0;
  std::optional<Failure> finish;
  std::vector<Observable> observables;  // in place of, or beside, those that follow from a config
};

struct SyntheticOptions {
  std::map<std::string, double> base_seconds;            // by case; missing: 0.1
  std::map<std::string, SyntheticCandidate> candidates;  // by name or text of the config; missing: no effect
  double noise = 0.01;                                   // standard deviation of the log of every time
  double drift = 0.0;        // log change of both sides' times per call, as of a machine that warms up
  double floor_share = 0.5;  // floor over base time
  std::uint64_t seed = 1;    // of the noise
};

/// True effects that are known, so that a test can tell whether verdicts are right.
class SyntheticExecutor final : public Executor {
 public:
  explicit SyntheticExecutor(SyntheticOptions options);

  [[nodiscard]] const DeviceFacts& device() const override { return device_; }
  std::optional<Failure> admit(const Candidate& candidate, std::span<const catalog::Case> cases) override;
  CaseObservables observe(const Candidate& candidate, const catalog::Case& one, bool run) override;
  CheckOutcome check(const Candidate& candidate, std::span<const catalog::Case> cases, std::uint64_t seed) override;
  OpenedRace open_race(const RaceRequest& request) override;
  [[nodiscard]] double floor_seconds(const catalog::Case& one) const override;

  /// Races opened so far; they must not outlive this object.
  [[nodiscard]] int races() const { return races_; }

 private:
  [[nodiscard]] const SyntheticCandidate& of(const Candidate& candidate) const;
  [[nodiscard]] double base_seconds(const std::string& case_name) const;

  SyntheticOptions options_;
  SyntheticCandidate plain_;
  DeviceFacts device_;
  int races_ = 0;
};

}  // namespace thresher::measure
