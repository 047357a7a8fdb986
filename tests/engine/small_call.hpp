// A small valid call and all of its memory, for tests that break one thing at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "thresher/thresher.hpp"

namespace thresher::testing {

/// Memory of whole cache lines, aligned as a workspace must be.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t bytes) : lines_((bytes + 63) / 64), bytes_(bytes) {}
  [[nodiscard]] std::span<std::byte> span() { return {reinterpret_cast<std::byte*>(lines_.data()), bytes_}; }
  [[nodiscard]] std::byte* data() { return span().data(); }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> lines_;
  std::size_t bytes_;
};

inline constexpr std::uint8_t kTwoOnes = 0x22;   // two E2M1 codes of 1.0
inline constexpr std::uint8_t kScaleOne = 0x38;  // E4M3 1.0
inline constexpr unsigned char kPoison = 0xA5;

/// Weights of ones: every element of group g is 1 * (g + 1), gate and up alike.
inline Nvfp4View ones(const std::vector<std::uint8_t>& codes, const std::vector<std::uint8_t>& scales, std::int64_t n,
                      std::int64_t k, float global_scale) {
  return {.codes = codes.data(),
          .scales = scales.data(),
          .global_scale = global_scale,
          .rows = n,
          .k = k,
          .layout = ScaleLayout::row_major};
}

inline PackedWeights pack_ones(const WeightsShape& shape) {
  PackedWeights weights(shape);
  const auto elements = static_cast<std::size_t>(shape.n * shape.k);
  const std::vector<std::uint8_t> codes(elements / 2, kTwoOnes);
  const std::vector<std::uint8_t> scales(elements / 16, kScaleOne);
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    const Nvfp4View view = ones(codes, scales, shape.n, shape.k, static_cast<float>(group + 1));
    if (shape.op == Op::gated) {
      weights.pack(group, view, view);
    } else {
      weights.pack(group, view);
    }
  }
  return weights;
}

/// NVFP4 activations of ones in, fp32 out. Row r of group g of a plain call is k * (g + 1) everywhere.
struct SmallCall {
  explicit SmallCall(Op op, std::vector<std::int32_t> rows = {0, 2, 2, 5}, CpuConfig config = {})
      : offsets(std::move(rows)),
        weights(pack_ones({op, static_cast<std::int64_t>(offsets.size()) - 1, kN, kK})),
        engine({.cpu = config}),
        total(offsets.back()),
        codes(static_cast<std::size_t>(total * kK / 2), kTwoOnes),
        scales(static_cast<std::size_t>(total * kK / 16), kScaleOne),
        out(static_cast<std::size_t>(total * kN)),
        out_scales(static_cast<std::size_t>(total * kN / 16)),
        bias(static_cast<std::size_t>(weights.shape().groups * kN)),
        workspace(engine.workspace_bytes(weights, total)) {
    if (total > 0) std::memset(out.data(), kPoison, out.size() * sizeof(float));
    args.a.data = codes.data();
    args.a.scales = scales.data();
    args.a.global_scales = {&a_scale, 1};
    args.a.rows = total;
    args.a.k = kK;
    args.offsets = offsets;
    args.out.type = OutputType::fp32;
    args.out.data = out.data();
    args.out.rows = total;
    args.out.n = kN;
    args.workspace = workspace.span();
  }
  SmallCall(const SmallCall&) = delete;
  SmallCall& operator=(const SmallCall&) = delete;

  void run() const {
    if (weights.shape().op == Op::gated) {
      engine.grouped_gated_gemm(weights, args);
    } else {
      engine.grouped_gemm(weights, args);
    }
  }

  [[nodiscard]] bool output_untouched() const {
    for (std::size_t i = 0; i < out.size() * sizeof(float); ++i) {
      if (reinterpret_cast<const unsigned char*>(out.data())[i] != kPoison) return false;
    }
    return true;
  }

  static constexpr std::int64_t kN = 48;
  static constexpr std::int64_t kK = 64;

  std::vector<std::int32_t> offsets;
  PackedWeights weights;
  Engine engine;
  std::int64_t total;
  float a_scale = 1.0f;
  std::vector<std::uint8_t> codes;
  std::vector<std::uint8_t> scales;
  std::vector<float> out;
  std::vector<std::uint8_t> out_scales;
  std::vector<float> bias;
  AlignedBytes workspace;
  GroupedGemmArgs args;
};

/// The message of the Error that `body` throws; "no error" when it throws none, so that a test shows what happened.
template <typename Body>
std::string error_of(const Body& body, ErrorCode* code = nullptr) {
  try {
    body();
  } catch (const Error& error) {
    if (code != nullptr) *code = error.code();
    return error.what();
  }
  return "no error";
}

}  // namespace thresher::testing
