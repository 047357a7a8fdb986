// The two functions a user calls, and what they need.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "thresher/champions.hpp"
#include "thresher/config.hpp"
#include "thresher/problem.hpp"
#include "thresher/views.hpp"
#include "thresher/weights.hpp"

namespace thresher {

/// What a call really did, counted where it happened. For tests, benches and rounds.
struct CallReport {
  Isa isa = Isa::automatic;             // the kernel that ran
  CpuConfig config;                     // every knob as resolved
  std::int64_t threads = 0;             // threads that took part
  std::int64_t tasks = 0;               // (group, m block, n block) units run
  std::int64_t token_blocks = 0;        // m blocks over all groups
  std::int64_t panels_dequantised = 0;  // panel x k block
  std::int64_t panels_ahead = 0;        // ... of which while another panel multiplied
  std::int64_t panels_handed_over = 0;  // ... of which by a specialised thread for another
  std::int64_t lines_prefetched = 0;    // 64-byte lines of packed weights asked for ahead of use
  std::int64_t lines_streamed = 0;      // 64-byte lines written past the cache
};

/// One call. All memory is the caller's; a call allocates nothing.
struct GroupedGemmArgs {
  OperandView a;  // [total_m, k]
  std::span<const std::int32_t>
      offsets;     // [groups + 1], offsets[0] = 0, ascending; group g is rows [offsets[g], offsets[g+1])
  OutputView out;  // [total_m, n]
  std::span<const float> bias = {};     // [groups, n] or empty; gated: of the gate product
  std::span<const float> bias_up = {};  // [groups, n] or empty; gated only
  Activation activation = {};           // gated only
  std::span<std::byte> workspace;       // at least Engine::workspace_bytes(), 64-byte aligned
  CallReport* report = nullptr;         // optional
};

struct EngineOptions {
  CpuConfig cpu = {};  // fields left automatic are chosen per problem; THRESHER_CPU_ISA overrides cpu.isa
  // Fill open fields first, see with_champion(); what they leave open is chosen as without them.
  ChampionTable champions = {};
};

/// Runs grouped GEMMs. Calls are const, deterministic (same call, same bits, for any number of threads) and may be
/// made from several threads at once with different workspaces and outputs.
class Engine {
 public:
  explicit Engine(const EngineOptions& options = {});

  /// C = A * B^T + bias for every group. Throws Error before any work when an argument is wrong.
  void grouped_gemm(const PackedWeights& weights, const GroupedGemmArgs& args) const;

  /// C = act(A * B1^T + bias, A * B2^T + bias_up) for every group.
  void grouped_gated_gemm(const PackedWeights& weights, const GroupedGemmArgs& args) const;

  /// Bytes of workspace that any call with at most `max_rows` rows in all needs with these weights.
  [[nodiscard]] std::size_t workspace_bytes(const PackedWeights& weights, std::int64_t max_rows) const;

  /// The config that a problem would run with: every field resolved, none automatic.
  [[nodiscard]] CpuConfig resolve(const Problem& problem) const;

  /// The champion whose values `problem` runs with; null where none applies: there is none of its op, class of shapes
  /// and the instruction set that runs, or its values can't run together with what the caller asked for or with the
  /// type of the output. Points into this engine.
  [[nodiscard]] const Champion* champion(const Problem& problem) const;

 private:
  // What calls of one op, class of shapes and output type run with.
  struct Choice {
    CpuConfig config;
    std::optional<std::size_t> champion;  // its place in champions_
  };
  [[nodiscard]] const Choice& choice(Op op, ShapeClass shape_class, OutputType output) const;
  [[nodiscard]] Choice choose(const CpuConfig& asked, Op op, ShapeClass shape_class, OutputType output, Isa isa) const;
  void run(Op op, const PackedWeights& weights, const GroupedGemmArgs& args) const;

  static constexpr std::size_t kChoices = 2 * 2 * 4;  // ops, classes, output types
  ChampionTable champions_;
  std::array<Choice, kChoices> choices_;  // made once, because a call allocates nothing
};

/// An instruction set of this build, and whether this machine can run it.
struct IsaStatus {
  Isa isa = Isa::portable;
  bool usable = false;
  std::string why_not;  // empty when usable, else what is missing
};

/// Every instruction set, best first.
std::vector<IsaStatus> cpu_isas();

}  // namespace thresher
