// The generators hold what their recipes promise.
#include "format/generate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/half.hpp"
#include "format/pack.hpp"
#include "format/quantize.hpp"
#include "thresher/error.hpp"

namespace thresher {
namespace {

Problem small(OperandType operand = OperandType::nvfp4) {
  Problem problem;
  problem.m = {5, 0, 40};
  problem.n = 96;
  problem.k = 512;
  problem.operand = operand;
  problem.bias = true;
  return problem;
}

std::set<int> codes_of(const Nvfp4Matrix& matrix) {
  const std::vector<std::uint8_t> codes = unpack_nibbles(matrix.codes);
  return {codes.begin(), codes.end()};
}

std::int64_t nans_of(const Nvfp4Matrix& matrix) {
  return std::count_if(matrix.scales.begin(), matrix.scales.end(), e4m3_is_nan);
}

bool same(const Nvfp4Matrix& a, const Nvfp4Matrix& b) {
  return a.codes == b.codes && a.scales == b.scales && a.global_scale == b.global_scale && a.rows == b.rows &&
         a.k == b.k;
}

class EveryRecipe : public testing::TestWithParam<Recipe> {};
INSTANTIATE_TEST_SUITE_P(Generate, EveryRecipe, testing::ValuesIn(kRecipes),
                         [](const auto& which) { return to_string(which.param); });

TEST_P(EveryRecipe, GivesTheSameBytesForTheSameSeedOnly) {
  for (const OperandType operand : {OperandType::nvfp4, OperandType::fp16, OperandType::bf16}) {
    const ProblemData one = generate(small(operand), GetParam(), 1);
    const ProblemData again = generate(small(operand), GetParam(), 1);
    const ProblemData other = generate(small(operand), GetParam(), 2);
    EXPECT_TRUE(same(one.gate[2], again.gate[2]) && same(one.up[0], again.up[0]));
    EXPECT_TRUE(same(one.a_nvfp4, again.a_nvfp4));
    EXPECT_EQ(one.a_half, again.a_half);
    EXPECT_EQ(one.a_global_scales, again.a_global_scales);
    EXPECT_EQ(one.bias_up, again.bias_up);
    EXPECT_NE(one.gate[0].codes, other.gate[0].codes);
    EXPECT_NE(one.bias, other.bias);
    if (operand == OperandType::nvfp4) {
      EXPECT_NE(one.a_nvfp4.codes, other.a_nvfp4.codes);
    } else {
      EXPECT_NE(one.a_half, other.a_half);
    }
  }
}

TEST_P(EveryRecipe, MakesTheSameWeightsOneByOne) {
  const ProblemData all = generate(small(), GetParam(), 9);
  for (std::int64_t group = 0; group < 3; ++group) {
    const auto at = static_cast<std::size_t>(group);
    EXPECT_TRUE(same(all.gate[at], generate_weights(small(), GetParam(), 9, group, 0)));
    EXPECT_TRUE(same(all.up[at], generate_weights(small(), GetParam(), 9, group, 1)));
  }
  EXPECT_NE(all.gate[0].codes, all.gate[1].codes);
  EXPECT_NE(all.gate[0].codes, all.up[0].codes);
  const ProblemData bare = generate_activations(small(), GetParam(), 9);
  EXPECT_TRUE(bare.gate.empty() && bare.up.empty());
  EXPECT_TRUE(same(bare.a_nvfp4, all.a_nvfp4));
}

TEST_P(EveryRecipe, FillsTheShapesOfTheProblem) {
  const ProblemData data = generate(small(), GetParam(), 3);
  EXPECT_EQ(data.offsets, (std::vector<std::int32_t>{0, 5, 5, 45}));
  EXPECT_EQ(data.gate.size(), 3u);
  EXPECT_EQ(data.up.size(), 3u);
  EXPECT_EQ(data.gate[0].codes.size(), 96u * 256);
  EXPECT_EQ(data.a_nvfp4.scales.size(), 45u * 32);
  EXPECT_EQ(data.bias.size(), 3u * 96);
  const OperandView a = data.a();
  EXPECT_EQ(a.data, data.a_nvfp4.codes.data());
  EXPECT_EQ(a.global_scales.size(), 3u);
  EXPECT_EQ(a.rows, 45);
  const ProblemData half = generate(small(OperandType::fp16), GetParam(), 3);
  EXPECT_EQ(half.a().data, half.a_half.data());
  EXPECT_EQ(half.a().scales, nullptr);
  Problem plain = small();
  plain.op = Op::plain;
  EXPECT_TRUE(generate(plain, GetParam(), 3).up.empty());
  EXPECT_TRUE(generate(plain, GetParam(), 3).bias_up.empty());
}

TEST_P(EveryRecipe, GivesGateUpAndGroupsTheirOwnGlobalScales) {
  const ProblemData data = generate(small(), GetParam(), 4);
  const bool integers = GetParam() == Recipe::integers;
  for (std::size_t group = 0; group < 3; ++group) {
    if (integers) {
      EXPECT_EQ(data.gate[group].global_scale, 1.0f);
      EXPECT_EQ(data.up[group].global_scale, 1.0f);
      EXPECT_EQ(data.a_global_scales[group], 1.0f);
    } else {
      EXPECT_LT(data.gate[group].global_scale * 1.3f, data.up[group].global_scale);
    }
  }
  if (!integers) {
    EXPECT_NE(data.a_global_scales[0], data.a_global_scales[1]);
    EXPECT_NE(data.a_global_scales[1], data.a_global_scales[2]);
    EXPECT_NE(data.gate[0].global_scale, data.gate[1].global_scale);
  }
}

TEST(Generate, FullRangeUsesEveryCodeAndEveryFiniteScale) {
  const ProblemData data = generate(small(), Recipe::full_range, 5);
  EXPECT_EQ(codes_of(data.gate[0]).size(), 16u);
  const std::set<int> scales(data.gate[0].scales.begin(), data.gate[0].scales.end());
  EXPECT_EQ(scales.size(), 254u);
  EXPECT_EQ(nans_of(data.gate[0]) + nans_of(data.a_nvfp4), 0);
}

TEST(Generate, FullRangeHalvesAreFiniteAndReachSubnormals) {
  const ProblemData fp16 = generate(small(OperandType::fp16), Recipe::full_range, 5);
  const ProblemData bf16 = generate(small(OperandType::bf16), Recipe::full_range, 5);
  const auto count = [](const ProblemData& data, int mask, int bits) {
    return std::count_if(data.a_half.begin(), data.a_half.end(), [=](int half) { return (half & mask) == bits; });
  };
  EXPECT_EQ(count(fp16, 0x7C00, 0x7C00), 0);
  EXPECT_EQ(count(bf16, 0x7F80, 0x7F80), 0);
  EXPECT_GT(count(fp16, 0x7C00, 0), 100);
  EXPECT_GT(count(bf16, 0x7F80, 0), 100);
  EXPECT_GT(count(fp16, 0x8000, 0x8000), 1000);
}

TEST(Generate, NormalLooksLikeQuantisedNormalNumbers) {
  const ProblemData data = generate(small(), Recipe::normal, 6);
  const std::vector<float> values = dequantise(data.gate[0].view());
  double squares = 0;
  for (const float value : values)
    squares += static_cast<double>(value) * static_cast<double>(value);
  const double rms = std::sqrt(squares / static_cast<double>(values.size()));
  double fourth = 0;
  for (const float value : values)
    fourth += std::pow(static_cast<double>(value) / rms, 4);
  EXPECT_NEAR(fourth / static_cast<double>(values.size()), 3.0, 0.3);  // the kurtosis of N(0, 1)
  EXPECT_EQ(codes_of(data.gate[0]).size(), 16u);
  for (std::size_t block = 0; block < data.gate[0].scales.size(); ++block) {
    ASSERT_GT(data.gate[0].scales[block], 0);
    ASSERT_LT(data.gate[0].scales[block], kE4m3Nan);
    float largest = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint8_t byte = data.gate[0].codes[8 * block + i];
      largest = std::max({largest, std::fabs(e2m1_to_float(byte & 15)), std::fabs(e2m1_to_float(byte >> 4))});
    }
    ASSERT_EQ(largest, 6.0f);
  }
}

TEST(Generate, IntegersKeepEverySumExact) {
  for (const OperandType operand : {OperandType::nvfp4, OperandType::fp16, OperandType::bf16}) {
    const ProblemData data = generate(small(operand), Recipe::integers, 7);
    for (const Nvfp4Matrix* matrix : {&data.gate[0], &data.up[2], &data.a_nvfp4}) {
      for (const std::uint8_t scale : matrix->scales)
        ASSERT_EQ(scale, kE4m3One);
      for (const int code : codes_of(*matrix)) {
        const float value = e2m1_to_float(static_cast<std::uint8_t>(code));
        EXPECT_EQ(value, std::round(value));
      }
    }
    for (const std::uint16_t half : data.a_half) {
      const float value = operand == OperandType::fp16 ? fp16_to_float(half) : bf16_to_float(half);
      ASSERT_EQ(value, std::round(value));
      ASSERT_LE(std::fabs(value), 2.0f);
    }
    for (const float bias : data.bias)
      ASSERT_EQ(bias, std::round(bias));
    EXPECT_EQ(data.out_global_scale, 1.0f);
  }
}

TEST(Generate, OutliersAreRareAndLarge) {
  const std::vector<float> values = dequantise(generate(small(), Recipe::outliers, 8).gate[0].view());
  std::vector<float> magnitudes(values.size());
  std::transform(values.begin(), values.end(), magnitudes.begin(), [](float x) { return std::fabs(x); });
  std::sort(magnitudes.begin(), magnitudes.end());
  const float median = magnitudes[magnitudes.size() / 2];
  const auto large = std::count_if(magnitudes.begin(), magnitudes.end(), [=](float x) { return x > 10 * median; });
  EXPECT_GT(large, static_cast<std::ptrdiff_t>(values.size() / 1500));
  EXPECT_LT(large, static_cast<std::ptrdiff_t>(values.size() / 300));
  EXPECT_GT(magnitudes.back(), 50 * median);
}

TEST(Generate, NanScalesAreFewAndInEveryMatrix) {
  const ProblemData data = generate(small(), Recipe::nan_scales, 9);
  for (const Nvfp4Matrix* matrix : {&data.gate[0], &data.gate[2], &data.up[1], &data.a_nvfp4}) {
    EXPECT_GE(nans_of(*matrix), 1);
    EXPECT_LE(nans_of(*matrix), 3);
  }
  Problem empty = small();
  empty.m = {0};
  EXPECT_EQ(nans_of(generate(empty, Recipe::nan_scales, 9).a_nvfp4), 0);
}

TEST(Generate, SubnormalScalesAreSubnormalOrZeroOfBothSigns) {
  const ProblemData data = generate(small(), Recipe::subnormal_scales, 10);
  const std::set<int> scales(data.gate[0].scales.begin(), data.gate[0].scales.end());
  EXPECT_EQ(scales.size(), 16u);
  for (const int scale : scales)
    EXPECT_LT(scale & 0x7F, 8);
  EXPECT_EQ(codes_of(data.gate[0]).size(), 16u);
}

TEST(Generate, RefusesWhatDoesNotExist) {
  EXPECT_THROW(generate_weights(small(), Recipe::normal, 1, 3, 0), Error);
  EXPECT_THROW(generate_weights(small(), Recipe::normal, 1, 0, 2), Error);
  Problem plain = small();
  plain.op = Op::plain;
  EXPECT_THROW(generate_weights(plain, Recipe::normal, 1, 0, 1), Error);
  Problem bad = small();
  bad.k = 8;
  EXPECT_THROW(generate(bad, Recipe::normal, 1), Error);
}

TEST(Generate, ParsesEveryRecipeItPrints) {
  for (const Recipe recipe : kRecipes)
    EXPECT_EQ(parse_recipe(to_string(recipe)), recipe);
  EXPECT_FALSE(parse_recipe("gaussian").has_value());
}

}  // namespace
}  // namespace thresher
