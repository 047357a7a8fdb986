// Every instruction set against the double-precision reference, over shapes, types, activations and inputs.
#include <algorithm>
#include <cmath>

#include "cpu/run_problem.hpp"
#include "format/scale_layout.hpp"

namespace thresher::testing {
namespace {

class Kernels : public ::testing::TestWithParam<Isa> {
 protected:
  [[nodiscard]] CpuConfig config() const { return {.isa = GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(Isa, Kernels, ::testing::ValuesIn(usable_isas()), isa_name);

Problem small_problem() {
  return {
      .op = Op::gated, .m = {3, 0, 18}, .n = 48, .k = 80, .operand = OperandType::nvfp4, .output = OutputType::fp32};
}

TEST_P(Kernels, AgreeForAwkwardShapes) {
  std::uint64_t seed = 1;
  for (const Op op : {Op::plain, Op::gated}) {
    for (const std::int64_t n : {1, 15, 17, 100}) {
      for (const std::int64_t k : {16, 48}) {
        Problem p{.op = op, .m = {0, 1, 7, 8, 63, 65, 248, 0}, .n = n, .k = k};
        expect_correct(generate(p, Recipe::full_range, seed++), config());
      }
    }
  }
}

TEST_P(Kernels, AgreeForLongSums) {
  for (const Op op : {Op::plain, Op::gated}) {
    Problem p{.op = op, .m = {7, 0, 65}, .n = 17, .k = 4096};
    expect_correct(generate(p, Recipe::normal, 11), config());
    expect_correct(generate(p, Recipe::outliers, 12), config());
  }
}

TEST_P(Kernels, AgreeForEveryTypeActivationAndBias) {
  std::uint64_t seed = 100;
  for (const Op op : {Op::plain, Op::gated}) {
    for (const OperandType operand : {OperandType::nvfp4, OperandType::fp16, OperandType::bf16}) {
      for (const OutputType output : {OutputType::fp16, OutputType::bf16, OutputType::fp32, OutputType::nvfp4}) {
        for (const ActivationKind kind :
             {ActivationKind::silu, ActivationKind::swiglu_oai, ActivationKind::gelu_tanh, ActivationKind::relu2}) {
          Problem p = small_problem();
          p.op = op;
          p.operand = operand;
          p.output = output;
          p.activation.kind = kind;
          p.bias = seed % 2 == 0;
          expect_correct(generate(p, Recipe::normal, seed++), config());
          if (op == Op::plain) break;  // has no activation
        }
      }
    }
  }
}

TEST_P(Kernels, AgreeForEveryRecipe) {
  std::uint64_t seed = 300;
  for (const Recipe recipe : kRecipes) {
    for (const OperandType operand : {OperandType::nvfp4, OperandType::fp16, OperandType::bf16}) {
      for (const Op op : {Op::plain, Op::gated}) {
        Problem p = small_problem();
        p.op = op;
        p.operand = operand;
        expect_correct(generate(p, recipe, seed++), config());
      }
    }
  }
}

TEST_P(Kernels, GiveTheExactSumOfIntegers) {
  for (const OutputType output : {OutputType::fp32, OutputType::fp16}) {
    const Problem p{.op = Op::plain, .m = {1, 16, 33}, .n = 40, .k = 2000, .output = output};
    const ProblemData data = generate(p, Recipe::integers, 5);
    const PackedWeights weights = pack(data);
    GuardedOutput out(data);
    run(data, weights, config(), out);
    const auto same = reference::compare_bitwise_integers(reference::compute(data), data, out.view());
    EXPECT_TRUE(same.ok()) << same.first_failure;
  }
}

TEST_P(Kernels, UseEachMatrixsOwnGlobalScale) {
  Problem p = small_problem();
  ProblemData data = generate(p, Recipe::normal, 9);
  for (std::size_t g = 0; g < data.gate.size(); ++g) {
    data.gate[g].global_scale = 0.25f * static_cast<float>(g + 1);
    data.up[g].global_scale = 3.0f * data.gate[g].global_scale;
  }
  expect_correct(data, config());
}

TEST_P(Kernels, DequantiseEveryScaleAndCodeExactly) {
  // Column c of C reads weight row c, whose only non-zero product is activation 1.0 with one code at k = c % 16 under
  // scale code `scale`: C is then that one product.
  for (int scale = 0; scale < 256; ++scale) {
    Problem p{.op = Op::plain, .m = {1}, .n = 16, .k = 16, .operand = OperandType::bf16, .output = OutputType::fp32};
    ProblemData data = generate(p, Recipe::integers, 1);
    Nvfp4Matrix& w = data.gate[0];
    std::fill(w.codes.begin(), w.codes.end(), std::uint8_t{0});
    std::fill(w.scales.begin(), w.scales.end(), static_cast<std::uint8_t>(scale));
    w.global_scale = 1.0f;
    for (std::size_t row = 0; row < 16; ++row) {
      w.codes[row * 8 + row / 2] = static_cast<std::uint8_t>(row % 2 == 0 ? row : row << 4U);
    }
    std::fill(data.a_half.begin(), data.a_half.end(), std::uint16_t{0x3F80});
    const PackedWeights weights = pack(data);
    GuardedOutput out(data);
    run(data, weights, config(), out);
    const float* c = static_cast<const float*>(out.view().data);
    const reference::Result want = reference::compute(data);
    for (std::size_t row = 0; row < 16; ++row) {
      const auto value = static_cast<float>(want.value[row]);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(c[row])) << "scale " << scale << " code " << row;
      } else {
        EXPECT_EQ(c[row], value) << "scale " << scale << " code " << row;
      }
    }
  }
}

TEST_P(Kernels, GiveTheSameBitsOnEveryRunAndForEveryNumberOfThreads) {
  Problem p{.op = Op::gated, .m = {5, 0, 40, 17}, .n = 200, .k = 288};
  const ProblemData data = generate(p, Recipe::normal, 21);
  const PackedWeights weights = pack(data);
  std::vector<std::uint8_t> first;
  for (const std::int32_t threads : {1, 1, 2, 3, 4}) {
    CpuConfig c = config();
    c.threads = threads;
    GuardedOutput out(data);
    const CallReport report = run(data, weights, c, out);
    EXPECT_LE(report.threads, threads);
    if (first.empty()) first = out.bytes();
    EXPECT_EQ(out.bytes(), first) << threads << " threads";
  }
}

TEST_P(Kernels, RunAsTheOneThatWasForced) {
  const ProblemData data = generate(small_problem(), Recipe::normal, 2);
  const PackedWeights weights = pack(data);
  GuardedOutput out(data);
  EXPECT_EQ(run(data, weights, config(), out).isa, GetParam());
}

TEST_P(Kernels, ReadSwizzledScalesAsRowMajorOnes) {
  Problem p{.op = Op::plain, .m = {5}, .n = 150, .k = 80};
  const ProblemData data = generate(p, Recipe::full_range, 31);
  const PackedWeights straight = pack(data);
  const auto swizzled = swizzle_scales(data.gate[0].scales, p.n, p.k);
  AlignedBytes aligned(swizzled.size());
  std::memcpy(aligned.data(), swizzled.data(), swizzled.size());
  Nvfp4View view = data.gate[0].view();
  view.scales = aligned.data();
  view.layout = ScaleLayout::swizzled_128x4;
  PackedWeights weights(WeightsShape{p.op, 1, p.n, p.k});
  weights.pack(0, view);
  GuardedOutput a(data);
  GuardedOutput b(data);
  run(data, straight, config(), a);
  run(data, weights, config(), b);
  EXPECT_EQ(a.bytes(), b.bytes());
}

TEST(Portable, IsAlwaysUsable) {
  const auto isas = usable_isas();
  EXPECT_NE(std::find(isas.begin(), isas.end(), Isa::portable), isas.end());
}

}  // namespace
}  // namespace thresher::testing
