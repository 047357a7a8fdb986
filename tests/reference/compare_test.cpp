// compare() sees NaN, infinities, single wrong elements, and exact integers.
#include "reference/compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "mini_kernel.hpp"
#include "thresher/error.hpp"

namespace thresher::reference {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Problem shape(OutputType output, Op op = Op::gated) {
  Problem problem;
  problem.op = op;
  problem.m = {4, 0, 3};
  problem.n = 48;
  problem.k = 64;
  problem.output = output;
  return problem;
}

void put(Output& out, std::int64_t row, std::int64_t col, float value) {
  const auto at = static_cast<std::size_t>(row * out.view.n + col);
  if (out.view.type == OutputType::fp32) {
    std::memcpy(&out.data[4 * at], &value, 4);
  } else {
    const std::uint16_t half = out.view.type == OutputType::fp16 ? fp16_from_float(value) : bf16_from_float(value);
    std::memcpy(&out.data[2 * at], &half, 2);
  }
}

class EveryFloatOutput : public testing::TestWithParam<OutputType> {};
INSTANTIATE_TEST_SUITE_P(Compare, EveryFloatOutput,
                         testing::Values(OutputType::fp16, OutputType::bf16, OutputType::fp32),
                         [](const auto& which) { return to_string(which.param); });

TEST_P(EveryFloatOutput, FailsOneWrongElementAndSaysWhichAndWhat) {
  const ProblemData data = generate(shape(GetParam()), Recipe::normal, 1);
  const Result result = compute(data);
  Output out = MiniKernel(data).run();
  ASSERT_TRUE(compare(result, data, out.view).ok());
  put(out, 5, 17, 123.0f);
  const Comparison comparison = compare(result, data, out.view);
  EXPECT_EQ(comparison.failures, 1);
  EXPECT_EQ(comparison.checked, 7 * 48);
  EXPECT_GT(comparison.worst_ratio, 1.0);
  EXPECT_GT(comparison.max_rel_err, 1.0);
  EXPECT_EQ(comparison.first_failure.find("group 2, row 5, col 17: got 123, want "), 0u) << comparison.first_failure;
  EXPECT_NE(comparison.first_failure.find("tolerance"), std::string::npos);
}

TEST_P(EveryFloatOutput, FailsAnExtraNanAndAnExtraInfinity) {
  const ProblemData data = generate(shape(GetParam()), Recipe::normal, 2);
  const Result result = compute(data);
  for (const float bad : {kNan, kInf, -kInf}) {
    Output out = MiniKernel(data).run();
    put(out, 0, 0, bad);
    EXPECT_EQ(compare(result, data, out.view).failures, 1) << bad;
  }
}

TEST_P(EveryFloatOutput, FailsAMissingNan) {
  const ProblemData data = generate(shape(GetParam()), Recipe::nan_scales, 3);
  const Result result = compute(data);
  Output out = MiniKernel(data).run();
  ASSERT_TRUE(compare(result, data, out.view).ok());
  std::int64_t nans = 0;
  for (std::size_t at = 0; at < result.value.size(); ++at) {
    if (!std::isnan(result.value[at])) continue;
    ++nans;
    const auto element = static_cast<std::int64_t>(at);
    put(out, element / 48, element % 48, 0.0f);
  }
  EXPECT_GT(nans, 0);
  EXPECT_LT(nans, result.count());
  EXPECT_EQ(compare(result, data, out.view).failures, nans);
}

TEST(Compare, TakesInfinityWhereTheTypeOverflowsAndOnlyThere) {
  // One element; the value is set by hand, so that the edge is exact.
  Problem problem = shape(OutputType::fp16, Op::plain);
  problem.m = {1};
  problem.n = 1;
  const ProblemData data = generate(problem, Recipe::normal, 4);
  Result result = compute(data);
  Output out = MiniKernel(data).run();
  const auto verdict = [&](double value, double error, float got) {
    result.value[0] = value;
    result.error[0] = error;
    result.tolerance[0] = bound_output(OutputType::fp16, {value, error});
    put(out, 0, 0, got);
    return compare(result, data, out.view).ok();
  };
  EXPECT_TRUE(verdict(1e6, 1.0, kInf));
  EXPECT_FALSE(verdict(1e6, 1.0, -kInf));
  EXPECT_FALSE(verdict(1e6, 1.0, 65504.0f));
  EXPECT_TRUE(verdict(65519.0, 2.0, kInf));
  EXPECT_TRUE(verdict(65519.0, 2.0, 65504.0f));
  EXPECT_FALSE(verdict(65519.0, 0.5, kInf));
  EXPECT_FALSE(verdict(65521.0, 0.5, 65504.0f));
  EXPECT_FALSE(verdict(60000.0, 1.0, kInf));
}

TEST(Compare, ChecksNvfp4ScalesAndCodes) {
  const ProblemData data = generate(shape(OutputType::nvfp4), Recipe::normal, 5);
  const Result result = compute(data);
  Output out = MiniKernel(data).run();
  ASSERT_TRUE(compare(result, data, out.view).ok());
  EXPECT_LT(compare(result, data, out.view).max_rel_err, 0.2);  // what four bits lose, not what the kernel lost

  out.scales[4] = static_cast<std::uint8_t>(out.scales[4] + 1);
  EXPECT_EQ(compare(result, data, out.view).failures, 16);
  EXPECT_NE(compare(result, data, out.view).first_failure.find("scale byte"), std::string::npos);
  out.scales[4] = static_cast<std::uint8_t>(out.scales[4] - 1);
  // A byte without zeros: 0 and -0 are the same answer.
  std::size_t at = 0;
  while ((out.data[at] & 7) == 0 || (out.data[at] >> 4 & 7) == 0)
    ++at;
  const std::uint8_t right = out.data[at];
  int caught = 0;
  for (int wrong = 0; wrong < 256; ++wrong) {
    out.data[at] = static_cast<std::uint8_t>(wrong);
    caught += compare(result, data, out.view).ok() ? 0 : 1;
  }
  EXPECT_EQ(caught, 255);
  out.data[at] = right;
  EXPECT_TRUE(compare(result, data, out.view).ok());
}

TEST(Compare, WantsScale0x7FOfAnNvfp4BlockWithANan) {
  const ProblemData data = generate(shape(OutputType::nvfp4), Recipe::nan_scales, 6);
  const Result result = compute(data);
  Output out = MiniKernel(data).run();
  ASSERT_TRUE(compare(result, data, out.view).ok());
  bool seen = false;
  for (std::size_t block = 0; block < out.scales.size(); ++block) {
    if (out.scales[block] != 0x7F) continue;
    seen = true;
    out.scales[block] = 0x38;
    EXPECT_EQ(compare(result, data, out.view).failures, 16);
    out.scales[block] = 0x7F;
  }
  EXPECT_TRUE(seen);
}

TEST(Compare, OfIntegersIsBitwiseInEveryOrder) {
  for (int operand = 0; operand < 3; ++operand) {
    for (int output = 0; output < 4; ++output) {
      Problem problem = shape(static_cast<OutputType>(output), Op::plain);
      problem.operand = static_cast<OperandType>(operand);
      problem.k = 1024;
      problem.bias = true;
      const ProblemData data = generate(problem, Recipe::integers, 7);
      const Result result = compute(data);
      for (const double value : result.value)
        ASSERT_EQ(value, std::round(value));
      for (const Order order : {Order::sequential, Order::pairwise, Order::blocked}) {
        Output out = MiniKernel(data, order).run();
        const Comparison comparison = compare_bitwise_integers(result, data, out.view);
        EXPECT_TRUE(comparison.ok()) << comparison.first_failure;
        EXPECT_EQ(comparison.checked, 7 * 48);
        EXPECT_TRUE(compare(result, data, out.view).ok());
        out.data[96] ^= 1;
        EXPECT_EQ(compare_bitwise_integers(result, data, out.view).failures, 1);
      }
    }
  }
}

TEST(Compare, RefusesOutputsOfAnotherShape) {
  const ProblemData data = generate(shape(OutputType::nvfp4), Recipe::normal, 8);
  const Result result = compute(data);
  const Output out = MiniKernel(data).run();
  const auto refused = [&](auto change) {
    OutputView view = out.view;
    change(view);
    try {
      compare(result, data, view);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(refused([](OutputView& v) { v.type = OutputType::fp16; }).find("fp16"), std::string::npos);
  EXPECT_NE(refused([](OutputView& v) { v.n = 32; }).find("7 x 32"), std::string::npos);
  EXPECT_NE(refused([](OutputView& v) { v.data = nullptr; }).find("null"), std::string::npos);
  EXPECT_NE(refused([](OutputView& v) { v.scales = nullptr; }).find("null"), std::string::npos);
  EXPECT_NE(refused([](OutputView& v) { v.global_scale = 0; }).find("global scale"), std::string::npos);
  EXPECT_THROW(compare_bitwise_integers(result, data, out.view), Error);  // gated
}

}  // namespace
}  // namespace thresher::reference
