// The first half of a mixture-of-experts layer, C = silu(A * B1^T) * (A * B2^T), with the C++ interface.
//
// Activations are bf16 and weights NVFP4. The numbers are simple enough to check the result against the formula.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include "thresher/thresher.hpp"

namespace {

constexpr std::int64_t kGroups = 3;
constexpr std::int64_t kN = 32;
constexpr std::int64_t kK = 128;

// E2M1 code 1 is 0.5 and code 2 is 1.0; a byte holds two codes. E4M3 0x38 is 1.0, bf16 0x3d80 is 1/16.
constexpr std::uint8_t kTwoHalves = 0x11;
constexpr std::uint8_t kTwoOnes = 0x22;
constexpr std::uint8_t kScaleOne = 0x38;
constexpr std::uint16_t kSixteenth = 0x3d80;

// Gate weights are 0.5, up weights 1.0; their global scales differ, as they do in real checkpoints.
constexpr float kGateScale = 0.25f;
constexpr float kUpScale = 0.5f;

// The workspace of a call is 64-byte aligned.
struct FreeAligned {
  void operator()(std::byte* pointer) const { ::operator delete[](pointer, std::align_val_t{64}); }
};
using Workspace = std::unique_ptr<std::byte[], FreeAligned>;

thresher::PackedWeights pack_experts() {
  thresher::PackedWeights weights({.op = thresher::Op::gated, .groups = kGroups, .n = kN, .k = kK});
  const std::vector<std::uint8_t> gate_codes(kN * kK / 2, kTwoHalves);
  const std::vector<std::uint8_t> up_codes(kN * kK / 2, kTwoOnes);
  const std::vector<std::uint8_t> scales(kN * kK / thresher::kScaleBlock, kScaleOne);
  // Expert by expert: a loader can read, pack and drop one matrix at a time.
  for (std::int64_t group = 0; group < kGroups; ++group) {
    weights.pack(group,
                 {.codes = gate_codes.data(), .scales = scales.data(), .global_scale = kGateScale, .rows = kN, .k = kK},
                 {.codes = up_codes.data(), .scales = scales.data(), .global_scale = kUpScale, .rows = kN, .k = kK});
  }
  return weights;
}

std::vector<float> run(const thresher::Engine& engine, const thresher::PackedWeights& weights) {
  // Group 1 is empty: no token chose that expert. Nothing needs padding.
  const std::vector<std::int32_t> offsets = {0, 4, 4, 11};
  const std::int64_t rows = offsets.back();
  const std::vector<std::uint16_t> a(static_cast<std::size_t>(rows * kK), kSixteenth);
  std::vector<float> c(static_cast<std::size_t>(rows * kN));

  // Allocated once for the most rows of any call; the calls themselves allocate nothing.
  const std::size_t bytes = engine.workspace_bytes(weights, rows);
  const Workspace workspace(new (std::align_val_t{64}) std::byte[bytes]);

  thresher::CallReport report;
  thresher::GroupedGemmArgs args;
  args.a.type = thresher::OperandType::bf16;
  args.a.data = a.data();
  args.a.rows = rows;
  args.a.k = kK;
  args.offsets = offsets;
  args.out = {.type = thresher::OutputType::fp32, .data = c.data(), .rows = rows, .n = kN};
  args.activation.kind = thresher::ActivationKind::silu;
  args.workspace = {workspace.get(), bytes};
  args.report = &report;  // optional: which kernel ran, and what it did
  engine.grouped_gated_gemm(weights, args);
  std::printf("ran on %s with %lld threads\n", to_string(report.isa), static_cast<long long>(report.threads));
  return c;
}

// k equal products each: gate = k/16 * 0.5 * scale, up = k/16 * scale, and then the activation.
float expected_value() {
  const float gate = kK / 16 * 0.5f * kGateScale;
  const float up = kK / 16 * kUpScale;
  return gate / (1.0f + std::exp(-gate)) * up;
}

}  // namespace

int main() {
  try {
    // Fields that are set here stay; the others are chosen for the problem and this machine.
    const thresher::Engine engine({.cpu = thresher::cpu_config_from_text("threads=2")});
    const std::vector<float> c = run(engine, pack_experts());

    int wrong = 0;
    const float expected = expected_value();
    // Both products are exact here; the activation may differ in its last bits.
    for (const float value : c)
      wrong += std::fabs(value - expected) <= 1e-5f * expected ? 0 : 1;
    std::printf("silu(gate) * up = %g, expected %g, %d wrong\n", static_cast<double>(c[0]),
                static_cast<double>(expected), wrong);
    return wrong == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    // thresher::Error: the message holds the offending value and the way out.
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
