// Runs random problems on a GPU and compares with the reference.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/json_output.hpp"
#include "cli/progress.hpp"
#include "cli/verify_run.hpp"
#include "gpu/context.hpp"
#include "thresher/gpu.hpp"

namespace thresher::cli {

struct GpuVerifyReport {
  std::string name;    // of the GPU
  std::string device;  // "cuda:N"
  VerifyTotals totals;
  std::vector<VerifyFailure> failures;
  std::vector<std::string> warnings;  // of the cache and the compiler
  std::string stopped;                // why seeds were left out; empty when all ran or Ctrl-C was pressed
  bool interrupted = false;

  [[nodiscard]] bool ok() const { return failures.empty() && stopped.empty() && !interrupted; }
};

/// One GPU with an engine for each config, so that what is compiled for one seed serves the next.
class GpuVerifier {
 public:
  /// Throws Error when the GPU can't be used.
  explicit GpuVerifier(int ordinal);

  /// Runs one case twice, on different poison, and once more as a graph: all must give the same right bytes. Adds to
  /// `totals`; the text is empty when all is well.
  std::string verify_one(const VerifyCase& one, const Sm90Config& config, VerifyTotals& totals);

  /// What a kernel that failed left of the context; empty when work can go on.
  [[nodiscard]] std::string why_broken() const;

  [[nodiscard]] const gpu::GpuInfo& gpu() const { return context_->gpu(); }
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  const GpuEngine& engine(const Sm90Config& config);

  int ordinal_;
  std::vector<std::pair<Sm90Config, std::unique_ptr<GpuEngine>>> engines_;
  gpu::ContextRef context_;
};

/// Seeds first .. first + count - 1 on one GPU. Stops early after Ctrl-C and when a kernel broke the GPU's context.
GpuVerifyReport gpu_verify_seeds(std::uint64_t first, std::int64_t count, int ordinal, Progress& progress);

std::string to_text(const GpuVerifyReport& report);
Json to_json(const GpuVerifyReport& report);

}  // namespace thresher::cli
