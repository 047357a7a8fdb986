// A variant of the Hopper kernels that is compiled and loaded, and what a call of it launches.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gpu/compiler.hpp"
#include "gpu/launch.hpp"
#include "gpu/sm90_config.hpp"

namespace thresher::gpu {

/// Bytes of a call's workspace, and where its parts begin.
struct Sm90Workspace {
  std::int64_t prepared_rows = 0;
  std::size_t partials_at = 0;
  std::size_t flags_at = 0;
  std::size_t bytes = 0;
};

/// For calls with at most `rows` rows. `tile_elements`: sums of the largest tile that may run.
Sm90Workspace sm90_workspace(const WeightsShape& shape, std::int64_t rows, int multiprocessors,
                             std::int64_t tile_elements);

class Sm90Variant {
 public:
  /// Compiles or loads. Throws Error with the compiler's first line when that fails. Adds remarks to `warnings`.
  Sm90Variant(const ContextRef& context, const Compiler& compiler, const Sm90Config& config, const Sm90Traits& traits,
              std::vector<std::string>& warnings);

  /// Launches both kernels; the context must be current. `rows` decides the grid of the first.
  void launch(sm90::Call& call, std::int64_t rows, CuStream stream) const;

 private:
  int multiprocessors_;
  std::unique_ptr<Module> prepare_;
  std::unique_ptr<Module> multiply_;
  LaunchPlan multiply_plan_;
};

}  // namespace thresher::gpu
