// Where candidates run: the one interface between the tank and a device, real or replayed.
//
// The executor owns memory, inputs, clocks and checks; a candidate only computes. Nothing here decides who is better.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/cases.hpp"
#include "device/ceilings.hpp"
#include "measure/candidate.hpp"
#include "measure/observables.hpp"

namespace thresher::measure {

struct DeviceFacts {
  std::string kind;     // "cpu-avx2", "cpu-amx", ...: what champions and lessons are kept for
  std::string name;     // as the hardware calls itself
  std::string machine;  // machine_key()
  int threads = 1;
  std::size_t l1d_bytes = 0;
  std::size_t l2_bytes = 0;
  std::size_t l3_bytes = 0;
  device::Ceilings ceilings;  // measured in this run
};

/// Outcome of the correctness gate.
struct CheckOutcome {
  int problems = 0;           // that were run
  std::int64_t elements = 0;  // compared with the reference
  double max_rel_err = 0.0;
  std::optional<Failure> failure;  // of the first problem that failed
};

enum class Side { incumbent, candidate };

const char* to_string(Side side) noexcept;

/// One timed call, whose output was checked.
struct TimedCall {
  Side side = Side::incumbent;
  double seconds = 0.0;
  std::optional<double> clock_mhz;  // of the cores while it ran, where the system tells
  std::optional<Failure> failure;   // then `seconds` means nothing
};

/// Two candidates, each in a process of its own with its own packed weights, on the same inputs. Destroying it ends
/// both processes.
class Race {
 public:
  virtual ~Race() = default;

  /// Runs one call. Calls with equal (case, content) read the same fresh inputs, so the two halves of a pair share them
  /// and nothing else does. A failure is final: the side must not be run again.
  virtual TimedCall run(std::size_t case_index, Side side, std::uint64_t content) = 0;

  /// Puts another config in the candidate's place, on the same packed weights and in the same process: a search does so
  /// hundreds of times. Configs only: a library, or a config that can't run, is a Failure, and the earlier candidate
  /// stays. The failure of an earlier candidate is forgotten unless its process is gone.
  virtual std::optional<Failure> replace_candidate(const Candidate& candidate) = 0;

  /// What only shows after the last call: touched weights, processes left behind, time spent between calls.
  virtual std::optional<Failure> finish(Side side) = 0;
};

struct RaceRequest {
  Candidate incumbent;
  Candidate candidate;
  std::vector<catalog::Case> cases;  // with the op that is raced
  std::uint64_t seed = 0;            // of weights, activations, offsets: fresh for every race
};

/// Either a race that is ready to run or why it could not start.
struct OpenedRace {
  std::unique_ptr<Race> race;
  std::optional<Failure> failure;
  Side failed_side = Side::candidate;  // whose failure it is
};

class Executor {
 public:
  virtual ~Executor() = default;

  [[nodiscard]] virtual const DeviceFacts& device() const = 0;

  /// The cheapest gate: does it exist, load and accept these problems? Runs nothing of a config.
  virtual std::optional<Failure> admit(const Candidate& candidate, std::span<const catalog::Case> cases) = 0;

  /// Facts on one case. Measured ones are there only when `run` is set and the call succeeded.
  virtual CaseObservables observe(const Candidate& candidate, const catalog::Case& one, bool run) = 0;

  /// The correctness gate: held-out odd shapes, recipes and activations drawn from the seed, poisoned outputs, fences,
  /// repeated calls on equal inputs, and the cases' own shapes.
  virtual CheckOutcome check(const Candidate& candidate, std::span<const catalog::Case> cases, std::uint64_t seed) = 0;

  virtual OpenedRace open_race(const RaceRequest& request) = 0;

  /// The floor of a case in seconds, from the ceilings measured in this run.
  [[nodiscard]] virtual double floor_seconds(const catalog::Case& one) const = 0;
};

}  // namespace thresher::measure
