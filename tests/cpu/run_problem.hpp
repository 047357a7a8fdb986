// Runs generated problems through the engine with guarded, poisoned outputs, for every instruction set there is.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "format/generate.hpp"
#include "reference/compare.hpp"
#include "reference/grouped_gemm.hpp"
#include "thresher/thresher.hpp"

namespace thresher::testing {

inline constexpr std::size_t kGuardBytes = 256;
inline constexpr std::uint8_t kPoison = 0xA5;

/// 64-byte aligned bytes, all poison.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t bytes)
      : storage_(bytes + 64, kPoison), offset_((64 - reinterpret_cast<std::uintptr_t>(storage_.data()) % 64) % 64) {}
  [[nodiscard]] std::uint8_t* data() { return storage_.data() + offset_; }

 private:
  std::vector<std::uint8_t> storage_;
  std::size_t offset_;
};

inline PackedWeights pack(const ProblemData& data) {
  const Problem& p = data.problem;
  PackedWeights weights(WeightsShape{p.op, p.groups(), p.n, p.k});
  for (std::int64_t g = 0; g < p.groups(); ++g) {
    const auto i = static_cast<std::size_t>(g);
    if (p.op == Op::gated) {
      weights.pack(g, data.gate[i].view(), data.up[i].view());
    } else {
      weights.pack(g, data.gate[i].view());
    }
  }
  return weights;
}

/// The result of a call, with guards around it.
class GuardedOutput {
 public:
  explicit GuardedOutput(const ProblemData& data)
      : bytes_(output_bytes(data.problem)),
        scale_bytes_(scale_bytes(data.problem)),
        memory_(bytes_ + 2 * kGuardBytes),
        scales_(scale_bytes_ + 2 * kGuardBytes) {
    view_ = {data.problem.output,   memory_.data() + kGuardBytes, nullptr,
             data.out_global_scale, data.problem.total_m(),       data.problem.n};
    if (data.problem.output == OutputType::nvfp4) view_.scales = scales_.data() + kGuardBytes;
  }

  [[nodiscard]] const OutputView& view() const { return view_; }
  [[nodiscard]] std::vector<std::uint8_t> bytes() {
    std::vector<std::uint8_t> all(memory_.data() + kGuardBytes, memory_.data() + kGuardBytes + bytes_);
    all.insert(all.end(), scales_.data() + kGuardBytes, scales_.data() + kGuardBytes + scale_bytes_);
    return all;
  }
  [[nodiscard]] bool guards_intact() {
    return intact(memory_.data()) && intact(memory_.data() + kGuardBytes + bytes_) && intact(scales_.data()) &&
           intact(scales_.data() + kGuardBytes + scale_bytes_);
  }

 private:
  static std::size_t output_bytes(const Problem& p) {
    const auto elements = static_cast<std::size_t>(p.total_m() * p.n);
    return p.output == OutputType::nvfp4 ? elements / 2 : elements * (p.output == OutputType::fp32 ? 4 : 2);
  }
  static std::size_t scale_bytes(const Problem& p) {
    return p.output == OutputType::nvfp4 ? static_cast<std::size_t>(p.total_m() * p.n / 16) : 0;
  }
  static bool intact(const std::uint8_t* guard) {
    for (std::size_t i = 0; i < kGuardBytes; ++i) {
      if (guard[i] != kPoison) return false;
    }
    return true;
  }

  std::size_t bytes_;
  std::size_t scale_bytes_;
  AlignedBytes memory_;
  AlignedBytes scales_;
  OutputView view_;
};

/// Runs the problem once with `config`; the workspace is exactly as large as the engine says, guarded as well.
inline CallReport run(const ProblemData& data, const PackedWeights& weights, const CpuConfig& config,
                      GuardedOutput& out) {
  const Engine engine(EngineOptions{.cpu = config});
  const std::size_t bytes = engine.workspace_bytes(weights, data.problem.total_m());
  AlignedBytes workspace(bytes + kGuardBytes);
  CallReport report;
  GroupedGemmArgs args{.a = data.a(),
                       .offsets = data.offsets,
                       .out = out.view(),
                       .bias = data.bias,
                       .bias_up = data.bias_up,
                       .activation = data.problem.activation,
                       .workspace = {reinterpret_cast<std::byte*>(workspace.data()), bytes},
                       .report = &report};
  if (data.problem.op == Op::gated) {
    engine.grouped_gated_gemm(weights, args);
  } else {
    engine.grouped_gemm(weights, args);
  }
  for (std::size_t i = 0; i < kGuardBytes; ++i) {
    EXPECT_EQ(workspace.data()[bytes + i], kPoison) << "written past the workspace at byte " << i;
    if (workspace.data()[bytes + i] != kPoison) break;
  }
  return report;
}

/// Runs and compares every element with the reference.
inline CallReport expect_correct(const ProblemData& data, const CpuConfig& config) {
  const PackedWeights weights = pack(data);
  GuardedOutput out(data);
  const CallReport report = run(data, weights, config, out);
  const reference::Comparison comparison = reference::compare(reference::compute(data), data, out.view());
  EXPECT_TRUE(comparison.ok()) << to_text(config) << ": " << comparison.failures << " of " << comparison.checked
                               << " wrong, first " << comparison.first_failure;
  EXPECT_TRUE(out.guards_intact()) << to_text(config) << ": written outside the output";
  return report;
}

/// The instruction sets to test: every one that this process can run.
inline std::vector<Isa> usable_isas() {
  std::vector<Isa> isas;
  for (const IsaStatus& status : cpu_isas()) {
    if (status.usable) isas.push_back(status.isa);
  }
  return isas;
}

inline std::string isa_name(const ::testing::TestParamInfo<Isa>& info) {
  return to_string(info.param);
}

}  // namespace thresher::testing
