// What a compiled kernel takes of a multiprocessor: read from the compiler's log, so that no GPU is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/occupancy.hpp"

namespace thresher::gpu {

struct ResourceEvidence {
  std::string function;  // as it is called in the cubin
  int registers = 0;     // of a thread, as the kernel is launched; setmaxnreg moves them between warps later
  std::int64_t spill_store_bytes = 0;
  std::int64_t spill_load_bytes = 0;
  std::int64_t stack_bytes = 0;  // local memory of a thread: spills, and arrays whose index isn't known
  std::int64_t static_smem_bytes = 0;
  int barriers = 0;
  bool wgmma_serialized = false;  // the compiler waits after each wgmma: a great loss

  // Known once it is known how the kernel is launched.
  std::optional<int> threads;
  std::optional<std::int64_t> dynamic_smem_bytes;
  std::optional<Occupancy> occupancy;  // nothing for a GPU without a table

  [[nodiscard]] bool spills() const { return spill_store_bytes + spill_load_bytes > 0; }
  [[nodiscard]] bool uses_local_memory() const { return stack_bytes > 0 || spills(); }
  bool operator==(const ResourceEvidence&) const = default;
};

/// What ptxas said, put in order.
struct PtxasReport {
  std::vector<ResourceEvidence> kernels;  // in the order of the log
  /// Everything else that ptxas and the compiler remarked: local memory, serialised wgmma, ignored setmaxnreg, waits
  /// that it put in, and whatever a later version has to say. Each text once.
  std::vector<std::string> remarks;

  /// Nothing when the log does not describe this kernel.
  [[nodiscard]] const ResourceEvidence* find(std::string_view function) const;
};

/// Reads the log of a compilation with --ptxas-options=--verbose, of NVRTC or of ptxas itself.
PtxasReport parse_ptxas_log(std::string_view log);

/// Adds how the kernel is launched, and the occupancy that follows. `arch` is "sm_90a".
void add_launch(ResourceEvidence& evidence, std::string_view arch, int threads, std::int64_t dynamic_smem_bytes);

}  // namespace thresher::gpu
