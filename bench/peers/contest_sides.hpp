// The two sides of the contest on one problem: the same values, each in its own preferred layout, several sets of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "format/generate.hpp"
#include "onednn_gated.hpp"
#include "reference/compare.hpp"
#include "thresher/engine.hpp"

namespace thresher::peers {

/// One problem, its activations, and how its weights are made again whenever they are needed: no copy is kept.
struct Contest {
  Problem problem;
  ProblemData inputs;
  reference::Result truth;    // of a sample of outputs
  std::vector<float> alphas;  // [groups][2]: products of global scales

  explicit Contest(const Problem& problem);
  [[nodiscard]] Nvfp4Matrix weights(std::int64_t group, int which) const;
  [[nodiscard]] reference::Comparison check(const void* fp16) const;
};

/// Sets enough to exceed twice the last-level cache, as far as half of the free memory allows.
int sets_needed(std::size_t bytes_per_set);

class ThresherSide {
 public:
  ThresherSide(const Contest& contest, const CpuConfig& config);
  void run(int set);
  void poison();
  [[nodiscard]] reference::Comparison check() const;
  [[nodiscard]] int sets() const { return static_cast<int>(weights_.size()); }
  [[nodiscard]] const CallReport& report() const { return report_; }

 private:
  const Contest& contest_;
  Engine engine_;
  std::vector<PackedWeights> weights_;
  std::vector<std::byte> workspace_;
  std::vector<std::uint16_t> out_;
  CallReport report_;
};

class OnednnSide {
 public:
  /// `sets` 0: as many as the cache asks for.
  OnednnSide(const dnnl::engine& engine, const Contest& contest, Variant variant, PeerType type, int sets);
  void run(int set);
  void poison();
  [[nodiscard]] reference::Comparison check() const;
  /// bf16 products and outputs can't meet the tolerance of an exact kernel; this is what they must meet.
  [[nodiscard]] bool acceptable(const reference::Comparison& comparison) const;
  [[nodiscard]] int sets() const { return static_cast<int>(weights_.size()); }
  [[nodiscard]] std::string implementation() const { return op_.implementation(); }

 private:
  const Contest& contest_;
  PeerType type_;
  OnednnGated op_;
  std::vector<std::vector<GroupWeights>> weights_;
  std::vector<std::uint8_t> a_;
  std::vector<std::uint8_t> out_;
};

}  // namespace thresher::peers
