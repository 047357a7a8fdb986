// The reference against numbers worked out by hand, its activations, and what it refuses.
#include "reference/grouped_gemm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "format/e4m3.hpp"
#include "format/half.hpp"
#include "format/pack.hpp"
#include "format/quantize.hpp"
#include "reference/activation.hpp"
#include "thresher/error.hpp"

namespace thresher::reference {
namespace {

// One group, m = 1, n = 2, k = 16; the two rows of weights are all `first` and all `second`.
ProblemData tiny(Op op, float first, float second) {
  ProblemData data;
  data.problem.op = op;
  data.problem.m = {1};
  data.problem.n = 2;
  data.problem.k = 16;
  data.problem.output = OutputType::fp32;
  data.offsets = {0, 1};
  std::vector<float> weights(32, first);
  std::fill(weights.begin() + 16, weights.end(), second);
  data.gate = {quantize(weights, 2, 16, 1.0f)};
  data.gate[0].global_scale = 0.5f;
  if (op == Op::gated) {
    data.up = data.gate;
    data.up[0].global_scale = 0.25f;
  }
  data.a_nvfp4 = quantize(std::vector<float>(16, 1.0f), 1, 16, 1.0f);
  data.a_global_scales = {2.0f};
  return data;
}

TEST(Reference, MatchesTheHandComputedPlainCase) {
  ProblemData data = tiny(Op::plain, 1.0f, -3.0f);
  // A is 16 ones, up to what 1/6 in E4M3 allows: read back what is really stored.
  const double a = static_cast<double>(dequantise(data.a_nvfp4.view())[0]);
  const double w0 = static_cast<double>(dequantise(data.gate[0].view())[0]) / 0.5;
  const Result result = compute(data);
  ASSERT_EQ(result.count(), 2);
  EXPECT_DOUBLE_EQ(result.value[0], 16 * a * w0 * 2.0 * 0.5);
  EXPECT_DOUBLE_EQ(result.value[1], 16 * a * -3.0 * 2.0 * 0.5);  // 3 / 6 is a scale exactly
  data.problem.bias = true;
  data.bias = {10.0f, 20.0f};
  EXPECT_DOUBLE_EQ(compute(data).value[1], 16 * a * -3.0 + 20.0);
}

TEST(Reference, JoinsGateAndUpWithTheirOwnGlobalScales) {
  ProblemData data = tiny(Op::gated, 3.0f, -3.0f);
  data.problem.activation.kind = ActivationKind::relu2;
  const double a = static_cast<double>(dequantise(data.a_nvfp4.view())[0]);
  const double gate = 16 * a * 3.0 * 2.0 * 0.5;
  const double up = 16 * a * 3.0 * 2.0 * 0.25;
  const Result result = compute(data);
  EXPECT_DOUBLE_EQ(result.value[0], gate * gate * up);
  EXPECT_EQ(result.value[1], 0.0);
}

TEST(Reference, ReadsOneRowOfHalves) {
  for (const OperandType operand : {OperandType::fp16, OperandType::bf16}) {
    ProblemData data = tiny(Op::plain, 3.0f, 3.0f);
    data.problem.operand = operand;
    data.a_half.assign(16, 0);
    data.a_half[7] = operand == OperandType::fp16 ? fp16_from_float(1.25f) : bf16_from_float(1.25f);
    EXPECT_DOUBLE_EQ(compute(data).value[0], 1.25 * 3.0 * 0.5);
  }
}

TEST(Reference, GivesEachGroupItsOwnWeightsAndScales) {
  Problem problem;
  problem.op = Op::plain;
  problem.m = {2, 0, 3};
  problem.n = 5;
  problem.k = 48;
  const ProblemData data = generate(problem, Recipe::full_range, 1);
  const Result result = compute(data);
  ASSERT_EQ(result.count(), 25);
  std::vector<double> a(48);
  std::vector<double> w(48);
  for (std::int64_t row = 0; row < 5; ++row) {
    const std::size_t group = row < 2 ? 0 : 2;
    dequantise_row(data.a_nvfp4.view(), row, a.data());
    for (std::int64_t col = 0; col < 5; ++col) {
      dequantise_row(data.gate[group].view(), col, w.data());
      double sum = 0;
      for (std::size_t i = 0; i < 48; ++i)
        sum += a[i] * w[i];
      const double alpha =
          static_cast<double>(data.a_global_scales[group]) * static_cast<double>(data.gate[group].global_scale);
      EXPECT_DOUBLE_EQ(result.value[static_cast<std::size_t>(row * 5 + col)], alpha * sum);
    }
  }
}

TEST(Reference, PutsNanExactlyWhereANanScaleIsRead) {
  Problem problem;
  problem.m = {3};
  problem.n = 40;
  problem.k = 64;
  ProblemData data = generate(problem, Recipe::normal, 1);
  data.gate[0].scales[static_cast<std::size_t>(7 * 4 + 2)] = 0xFF;      // column 7 of gate
  data.up[0].scales[static_cast<std::size_t>(39 * 4)] = kE4m3Nan;       // column 39 of up
  data.a_nvfp4.scales[static_cast<std::size_t>(1 * 4 + 3)] = kE4m3Nan;  // row 1
  for (int kind = 0; kind < 4; ++kind) {
    data.problem.activation.kind = static_cast<ActivationKind>(kind);
    const Result result = compute(data);
    for (std::int64_t row = 0; row < 3; ++row) {
      for (std::int64_t col = 0; col < 40; ++col) {
        const bool nan = row == 1 || col == 7 || col == 39;
        EXPECT_EQ(std::isnan(result.value[static_cast<std::size_t>(row * 40 + col)]), nan) << row << "," << col;
      }
    }
  }
}

TEST(Reference, ComputesASelectionAsItComputesEverything) {
  Problem problem;
  problem.m = {9, 0, 20};
  problem.n = 100;
  problem.k = 80;
  problem.bias = true;
  const ProblemData data = generate(problem, Recipe::normal, 3);
  const Result all = compute(data);
  const Selection sample = select_sample(problem, 8, 30, 1);
  const Result some = compute(data, &sample);
  ASSERT_EQ(some.count(), static_cast<std::int64_t>(sample.rows.size() * sample.cols.size()));
  std::size_t at = 0;
  for (const std::int64_t row : sample.rows) {
    for (const std::int64_t col : sample.cols) {
      EXPECT_EQ(some.value[at], all.value[static_cast<std::size_t>(row * 100 + col)]);
      EXPECT_EQ(some.tolerance[at], all.tolerance[static_cast<std::size_t>(row * 100 + col)]);
      ++at;
    }
  }
}

TEST(Reference, TakesWeightsOneByOne) {
  Problem problem;
  problem.m = {4, 0, 5};
  problem.n = 33;
  problem.k = 64;
  const ProblemData all = generate(problem, Recipe::outliers, 3);
  const ProblemData bare = generate_activations(problem, Recipe::outliers, 3);
  int calls = 0;
  const Result result = compute(bare, [&](std::int64_t group, int which) {
    ++calls;
    return generate_weights(problem, Recipe::outliers, 3, group, which);
  });
  EXPECT_EQ(result.value, compute(all).value);
  EXPECT_EQ(calls, 4);  // nothing for the empty group
}

TEST(Selection, SamplesTheEdgesOfEveryGroupInOrder) {
  Problem problem;
  problem.m = {100, 0, 1, 50};
  problem.n = 320;
  problem.k = 16;
  problem.output = OutputType::nvfp4;
  const Selection sample = select_sample(problem, 20, 64, 5);
  for (const std::int64_t row : {0, 99, 100, 101, 150}) {
    EXPECT_NE(std::find(sample.rows.begin(), sample.rows.end(), row), sample.rows.end()) << row;
  }
  EXPECT_TRUE(std::is_sorted(sample.rows.begin(), sample.rows.end()));
  EXPECT_LE(sample.rows.size(), 20u);
  EXPECT_EQ(sample.cols.front(), 0);
  EXPECT_EQ(sample.cols.back(), 319);
  EXPECT_EQ(sample.cols.size() % 16, 0u);
  EXPECT_EQ(select_sample(problem, 1000, 1000, 5).rows.size(), 151u);
}

TEST(Reference, RefusesSelectionsAndDataThatDoNotFit) {
  ProblemData data = tiny(Op::plain, 1.0f, 2.0f);
  const auto refused = [&](const Selection& selection) {
    try {
      compute(data, &selection);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refused({{1}, {0}}).find("selected row 1"), std::string::npos);
  EXPECT_NE(refused({{0}, {1, 0}}).find("selected column 0"), std::string::npos);
  EXPECT_NE(refused({{-1}, {0}}).find("selected row -1"), std::string::npos);
  data.a_global_scales.clear();
  EXPECT_NE(refused({{0}, {0}}).find("a_global_scales has 0"), std::string::npos);
  data = tiny(Op::plain, 1.0f, 2.0f);
  data.gate.clear();
  EXPECT_THROW(compute(data), Error);

  Problem blocks;
  blocks.m = {1};
  blocks.n = 32;
  blocks.k = 16;
  blocks.output = OutputType::nvfp4;
  const ProblemData nvfp4 = generate(blocks, Recipe::normal, 1);
  const Selection partial{{0}, {8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}};
  EXPECT_THROW(compute(nvfp4, &partial), Error);
}

TEST(Activation, MatchesTheDesignFormulas) {
  const double sqrt_2_over_pi = std::sqrt(2.0 / 3.14159265358979323846);
  for (double g = -9; g <= 9; g += 0.25) {
    for (const double u : {-8.0, -1.5, 0.0, 3.0, 7.5}) {
      EXPECT_NEAR(activate({ActivationKind::silu}, g, u), g / (1 + std::exp(-g)) * u, 1e-12);
      const double gelu = 0.5 * g * (1 + std::tanh(sqrt_2_over_pi * (g + 0.044715 * g * g * g))) * u;
      EXPECT_NEAR(activate({ActivationKind::gelu_tanh}, g, u), gelu, 1e-12);
      EXPECT_EQ(activate({ActivationKind::relu2}, g, u), std::max(g, 0.0) * std::max(g, 0.0) * u);
      const double gate = std::min(g, 7.0);
      const double up = std::max(std::min(u, 7.0), -7.0);
      const double alpha = static_cast<double>(1.702f);
      EXPECT_NEAR(activate({ActivationKind::swiglu_oai}, g, u), (up + 1) * gate / (1 + std::exp(-alpha * gate)), 1e-12);
    }
  }
}

TEST(Activation, LetsNanThroughEveryClamp) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int kind = 0; kind < 4; ++kind) {
    const Activation activation{static_cast<ActivationKind>(kind)};
    EXPECT_TRUE(std::isnan(activate(activation, nan, 1.0))) << kind;
    EXPECT_TRUE(std::isnan(activate(activation, 1.0, nan))) << kind;
    EXPECT_TRUE(std::isnan(activate(activation, -1.0, nan))) << kind;
  }
}

}  // namespace
}  // namespace thresher::reference
