// Runs random problems on instruction sets and compares with the reference.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/output_buffer.hpp"
#include "cli/progress.hpp"
#include "cli/random_problem.hpp"
#include "reference/grouped_gemm.hpp"

namespace thresher::cli {

struct VerifyFailure {
  Isa isa = Isa::automatic;
  std::uint64_t seed = 0;
  std::string problem;
  std::string config;
  std::string error;
  std::string device = "cpu";  // else "cuda:N", and there is no isa
};

/// The command that runs one failure again.
std::string reproduce_command(const VerifyFailure& failure);

struct VerifyTotals {
  std::int64_t seeds = 0;     // that ran
  std::int64_t elements = 0;  // that were compared
  std::int64_t failures = 0;
  double max_rel_err = 0.0;  // over all but NVFP4 outputs, whose codes are far apart
  double worst_ratio = 0.0;  // largest error over tolerance; NVFP4 outputs left out, too
};

struct VerifyReport {
  std::map<Isa, VerifyTotals> totals;
  std::vector<VerifyFailure> failures;
  bool interrupted = false;
};

/// One problem with its inputs and its truth, which every instruction set is compared with.
struct VerifyCase {
  std::uint64_t seed = 0;
  RandomProblem random;
  ProblemData data;
  reference::Result truth;
};

VerifyCase make_verify_case(std::uint64_t seed);

/// Compares one output with the truth, integers bit for bit where they are exact. Adds to `totals`; returns the first
/// complaint.
std::string judge_output(const VerifyCase& one, const OutputBuffer& out, VerifyTotals& totals);

/// Runs one case twice, on different poison and numbers of threads, which must give the same right bytes. Adds to
/// `totals`; the text is empty when all is well.
std::string verify_one(const VerifyCase& one, const CpuConfig& config, int max_threads, VerifyTotals& totals);

/// Seeds first .. first + count - 1 on each of `isas`. Stops early after Ctrl-C.
VerifyReport verify_seeds(std::uint64_t first, std::int64_t count, std::span<const Isa> isas, Progress& progress);

}  // namespace thresher::cli
