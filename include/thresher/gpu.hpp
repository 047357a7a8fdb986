// Grouped GEMMs on an NVIDIA Hopper GPU: device memory in, device memory out, nothing waits for the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "thresher/problem.hpp"
#include "thresher/views.hpp"
#include "thresher/weights.hpp"

namespace thresher {

/// Who multiplies on Hopper: warpgroups (wgmma), or single warps (mma), which wins for a few tokens a group.
enum class Sm90Products : int { automatic = 0, warpgroup = 1, warp = 2 };

/// How work is dealt to the multiprocessors: whole tiles, or equal shares that may end within a tile's k.
enum class Sm90Schedule : int { automatic = 0, static_tiles = 1, stream_k = 2 };

/// One point of the Hopper kernels' knobs. 0 (and `automatic`) means: chosen for the problem.
struct Sm90Config {
  std::int32_t tile_rows = 0;    // rows of weights a tile: 64, 128, 256 or 512; gated: half gate, half up
  std::int32_t tile_tokens = 0;  // most tokens a tile; a multiple of 8, at most 256
  std::int32_t token_step = 0;   // a group's tiles get the multiple of this that fits it; 8, 16, 32 ..., or tile_tokens
  std::int32_t tile_k = 0;       // k a stage: 64 or 128
  std::int32_t ab_stages = 0;    // of the ring between the copy engine and the warps that multiply
  std::int32_t consumers = 0;    // warpgroups that multiply: 1, 2 or 4
  Sm90Products products = Sm90Products::automatic;
  Sm90Schedule scheduler = Sm90Schedule::automatic;
  std::int32_t stage_overhead = -1;  // what a stage takes besides its tokens, in tokens; balances unequal groups

  bool operator==(const Sm90Config&) const = default;
};

/// "tile_rows=256,tile_tokens=128,..." with every field, in declaration order.
std::string to_text(const Sm90Config& config);

/// Parses "field=value,..." over the defaults. Throws Error(parse) naming an unknown field or a bad value.
Sm90Config sm90_config_from_text(std::string_view text);

/// Why this config can't run, in words; empty when it can. Fields left automatic can always be chosen.
std::string why_invalid(const Sm90Config& config);

struct GpuEngineOptions {
  int device = 0;         // CUDA ordinal
  Sm90Config sm90 = {};   // fields left automatic are chosen per call
  bool use_cache = true;  // of compiled kernels on disk, see docs/gpu.md
};

class GpuEngine;

/// The packed weights of all groups, in the memory of one GPU. Same contract as PackedWeights.
class GpuWeights {
 public:
  GpuWeights(const GpuEngine& engine, const WeightsShape& shape);
  ~GpuWeights();
  GpuWeights(GpuWeights&&) noexcept;
  GpuWeights& operator=(GpuWeights&&) noexcept;
  GpuWeights(const GpuWeights&) = delete;
  GpuWeights& operator=(const GpuWeights&) = delete;

  /// Packs group `group` of plain weights, which lie in host memory: [n, k].
  void pack(std::int64_t group, const Nvfp4View& weights);
  /// Packs group `group` of gated weights, each with its own global scale.
  void pack(std::int64_t group, const Nvfp4View& gate, const Nvfp4View& up);

  [[nodiscard]] const WeightsShape& shape() const;
  [[nodiscard]] std::size_t bytes() const;

  struct Storage;
  [[nodiscard]] const Storage& storage() const;

 private:
  std::unique_ptr<Storage> storage_;
};

/// One call. Every pointer is of device memory, 16-byte aligned unless said otherwise; rows are those of all groups.
struct GpuGroupedGemmArgs {
  OperandType operand = OperandType::nvfp4;
  const void* a = nullptr;                 // nvfp4: codes [rows, k/2]; fp16, bf16: [rows, k]
  const std::uint8_t* a_scales = nullptr;  // nvfp4 only: E4M3 [rows, k/16] row-major
  const float* a_global_scales = nullptr;  // nvfp4 only: one, or one a group
  bool a_global_scale_per_group = false;
  const std::int32_t* offsets = nullptr;  // [groups + 1], offsets[0] = 0, ascending; read when the kernels run
  std::int64_t rows = 0;                  // at least offsets[groups]: what workspace and launch are sized for
  OutputType output = OutputType::fp16;
  void* out = nullptr;                 // [rows, n]; nvfp4: codes [rows, n/2], n % 16 == 0
  std::uint8_t* out_scales = nullptr;  // nvfp4 only: E4M3 [rows, n/16]
  float out_global_scale = 1.0f;       // nvfp4 only
  const float* bias = nullptr;         // [groups, n]
  const float* bias_up = nullptr;      // gated only
  Activation activation = {};
  void* workspace = nullptr;  // at least workspace_bytes(), 1024-byte aligned
  std::size_t workspace_bytes = 0;
  void* stream = nullptr;  // CUstream; any but a blocking call to it is allowed, capture included
};

/// Runs grouped GEMMs on one GPU of compute capability 9.0. Calls only launch: no allocation, no wait for the host, the
/// same bits for the same call. Calls from several threads at once need different workspaces.
class GpuEngine {
 public:
  /// Throws Error(unsupported) saying why when there is no driver or no such GPU, or it is no Hopper.
  explicit GpuEngine(const GpuEngineOptions& options = {});
  ~GpuEngine();
  GpuEngine(const GpuEngine&) = delete;
  GpuEngine& operator=(const GpuEngine&) = delete;

  /// Compiles what a problem of this kind needs, or loads it from the cache; a call does the same on first use.
  void prepare(const Problem& problem) const;

  void grouped_gemm(const GpuWeights& weights, const GpuGroupedGemmArgs& args) const;
  void grouped_gated_gemm(const GpuWeights& weights, const GpuGroupedGemmArgs& args) const;

  /// Bytes of workspace that any call with at most `max_rows` rows needs with these weights.
  [[nodiscard]] std::size_t workspace_bytes(const WeightsShape& shape, std::int64_t max_rows) const;

  /// The config that a call runs with: every field resolved.
  [[nodiscard]] Sm90Config resolve(const WeightsShape& shape, std::int64_t rows) const;

  /// Remarks of the cache and the compiler so far, for whoever wants to show them.
  [[nodiscard]] std::vector<std::string> warnings() const;

  struct State;
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace thresher
