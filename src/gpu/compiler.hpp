// From the source of a kernel to its cubin and its evidence, through the cache.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gpu/cubin_cache.hpp"
#include "gpu/nvrtc.hpp"
#include "gpu/resources.hpp"

namespace thresher::gpu {

struct KernelSource {
  std::string name;  // of the extern "C" entry
  std::string source;
  std::vector<Header> headers = {};  // what the source includes, by name; NVRTC reads no files
  std::vector<std::string> options = standard_options();
  std::string arch = "sm_90a";
  // How it will be launched, for the evidence; not part of what is compiled.
  std::optional<int> threads = std::nullopt;
  std::int64_t dynamic_smem_bytes = 0;
};

struct CompiledKernel {
  std::string cubin;
  ResourceEvidence evidence;
  std::vector<std::string> remarks;  // of the compiler
  std::string log;
  std::string compiler;  // "nvrtc-13.0"
  bool from_cache = false;
  std::vector<std::string> warnings;  // about the cache: damaged, not writable; the kernel is good all the same
};

class Compiler {
 public:
  /// Without a cache each compile() compiles; without NVRTC only what is cached can be had.
  Compiler(NvrtcLoad nvrtc, std::optional<CubinCache> cache);
  /// What this machine has.
  static Compiler of(const device::Environment& environment);

  /// Any number of threads and processes at a time. A source that does not compile, and NVRTC missing, are values.
  [[nodiscard]] std::variant<CompiledKernel, CompileFailure> compile(const KernelSource& kernel) const;

  [[nodiscard]] const NvrtcLoad& nvrtc() const { return nvrtc_; }
  [[nodiscard]] const std::optional<CubinCache>& cache() const { return cache_; }

 private:
  NvrtcLoad nvrtc_;
  std::optional<CubinCache> cache_;
};

/// Everything that decides the cubin but the compiler's version, with lengths, so that no two sources give one text.
std::string cache_key_text(const KernelSource& kernel);

}  // namespace thresher::gpu
