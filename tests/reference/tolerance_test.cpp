// The tolerance passes every correct order of additions and fails every mutant.
#include "reference/tolerance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "mini_kernel.hpp"
#include "reference/activation.hpp"
#include "reference/compare.hpp"

namespace thresher::reference {
namespace {

Problem shape(std::vector<std::int64_t> m, std::int64_t n, std::int64_t k) {
  Problem problem;
  problem.m = std::move(m);
  problem.n = n;
  problem.k = k;
  return problem;
}

Comparison run(const ProblemData& data, const Result& result, Order order, const Faults& faults = {}) {
  const Output out = MiniKernel(data, order, faults).run();
  return compare(result, data, out.view);
}

// Every operand, output, activation, op and recipe over seeds: all correct orders pass.
TEST(Tolerance, PassesEveryOrderOfAdditionsInFp32) {
  double worst = 0;
  double worst_fp32 = 0;
  std::uint64_t seed = 0;
  for (const Recipe recipe : kRecipes) {
    for (int variant = 0; variant < 3 * 4 * 5; ++variant) {
      Problem problem = shape({2, 0, 3}, 32, variant % 2 == 0 ? 48 : 256);
      problem.operand = static_cast<OperandType>(variant % 3);
      problem.output = static_cast<OutputType>(variant / 3 % 4);
      const int activation = variant / 12;
      problem.op = activation == 4 ? Op::plain : Op::gated;
      problem.activation.kind = static_cast<ActivationKind>(activation % 4);
      problem.bias = seed % 2 == 1;
      const ProblemData data = generate(problem, recipe, ++seed);
      const Result result = compute(data);
      for (const Order order : {Order::sequential, Order::pairwise, Order::blocked}) {
        const Comparison comparison = run(data, result, order);
        ASSERT_TRUE(comparison.ok()) << to_string(recipe) << " " << to_string(problem.operand) << " "
                                     << to_string(problem.output) << " " << to_string(problem.activation.kind) << ": "
                                     << comparison.first_failure;
        EXPECT_EQ(comparison.checked, 5 * 32);
        worst = std::max(worst, comparison.worst_ratio);
        if (problem.output == OutputType::fp32) worst_fp32 = std::max(worst_fp32, comparison.worst_ratio);
      }
    }
  }
  RecordProperty("worst_ratio", std::to_string(worst));
  RecordProperty("worst_ratio_fp32", std::to_string(worst_fp32));
  // Rounding to a half reaches its half unit; before that rounding there must be room, but not too much.
  EXPECT_LE(worst, 1.0);
  EXPECT_LT(worst_fp32, 0.7);
  EXPECT_GT(worst_fp32, 0.01);
}

TEST(Tolerance, IsNeitherTightNorLooseOverManySeedsAndLongSums) {
  double worst_of_all = 0;
  for (const std::int64_t k : {16, 64, 1024, 7168}) {
    double worst = 0;
    for (std::uint64_t seed = 1; seed <= (k <= 64 ? 100u : k == 1024 ? 20u : 4u); ++seed) {
      Problem problem = shape({4}, 32, k);
      problem.op = Op::plain;
      problem.output = OutputType::fp32;
      problem.operand = static_cast<OperandType>(seed % 3);
      const ProblemData data = generate(problem, seed % 2 == 0 ? Recipe::normal : Recipe::full_range, seed);
      const Result result = compute(data);
      worst = std::max(worst, run(data, result, Order::sequential).worst_ratio);
      worst = std::max(worst, run(data, result, Order::pairwise).worst_ratio);
    }
    RecordProperty("worst_ratio_k" + std::to_string(k), std::to_string(worst));
    EXPECT_LT(worst, 0.7) << k;
    EXPECT_GT(worst, 0.01) << k;
    worst_of_all = std::max(worst_of_all, worst);
  }
}

struct Mutant {
  const char* name;
  OperandType operand;
  Recipe recipe;
  Faults faults;
};

const Mutant kMutants[] = {
    {"bf16_accumulator", OperandType::nvfp4, Recipe::normal, {.bf16_accumulator = true}},
    {"fp16_accumulator", OperandType::nvfp4, Recipe::normal, {.fp16_accumulator = true}},
    {"fp16_activations_as_bf16", OperandType::fp16, Recipe::normal, {.bf16_activations = true}},
    {"activations_short_of_a_bit", OperandType::nvfp4, Recipe::normal, {.two_bit_activations = true}},
    {"subnormal_scales_flushed", OperandType::nvfp4, Recipe::subnormal_scales, {.flush_small_scales = true}},
    {"scales_without_mantissa", OperandType::nvfp4, Recipe::normal, {.scale_to_power_of_two = true}},
    {"last_row_not_written", OperandType::nvfp4, Recipe::normal, {.skip_last_row = true}},
    {"last_k_not_read", OperandType::nvfp4, Recipe::normal, {.drop_last_k = true}},
    {"gate_scale_for_up", OperandType::nvfp4, Recipe::normal, {.gate_scale_for_up = true}},
    {"bias_forgotten", OperandType::nvfp4, Recipe::normal, {.no_bias = true}},
    {"nan_read_as_zero", OperandType::nvfp4, Recipe::nan_scales, {.ignore_nan = true}},
};

class EveryMutant : public testing::TestWithParam<Mutant> {};
INSTANTIATE_TEST_SUITE_P(Tolerance, EveryMutant, testing::ValuesIn(kMutants),
                         [](const auto& which) { return which.param.name; });

TEST_P(EveryMutant, FailsWithEveryOutputType) {
  const Mutant& mutant = GetParam();
  for (const OutputType output : {OutputType::fp16, OutputType::bf16, OutputType::fp32, OutputType::nvfp4}) {
    for (const ActivationKind kind :
         {ActivationKind::silu, ActivationKind::swiglu_oai, ActivationKind::gelu_tanh, ActivationKind::relu2}) {
      // Enough elements that a lost bit shows through the 1 or 2 bits of an NVFP4 output as well.
      Problem problem = shape({3, 0, 9}, 64, 1024);
      problem.operand = mutant.operand;
      problem.output = output;
      problem.activation.kind = kind;
      problem.bias = true;
      const ProblemData data = generate(problem, mutant.recipe, 3);
      const Result result = compute(data);
      if (kind == ActivationKind::silu) {
        ASSERT_TRUE(run(data, result, Order::sequential).ok());
      }
      const Comparison comparison = run(data, result, Order::sequential, mutant.faults);
      EXPECT_FALSE(comparison.ok()) << to_string(output) << " " << to_string(kind);
      EXPECT_FALSE(comparison.first_failure.empty());
    }
  }
}

TEST(Tolerance, FailsAnOutputRoundedTowardsZero) {
  for (const OutputType output : {OutputType::fp16, OutputType::bf16}) {
    Problem problem = shape({8}, 64, 256);
    problem.output = output;
    const ProblemData data = generate(problem, Recipe::normal, 1);
    const Comparison comparison = run(data, compute(data), Order::sequential, {.truncate_output = true});
    EXPECT_GT(comparison.failures, comparison.checked / 10);
  }
}

TEST(Tolerance, FollowsTheAccumulatorModel) {
  const RawSum raw{.sum = 10, .sum_squares = 4096, .terms = 4096};
  const double fp32 = bound_product(raw, 1.0, 0.0, {}).error;
  const double truncating = bound_product(raw, 1.0, 0.0, {.name = "t", .eps = 0x1p-24, .truncates = true}).error;
  const double coarse = bound_product(raw, 1.0, 0.0, {.name = "c", .eps = 0x1p-13}).error;
  const double joined = bound_product(raw, 1.0, 0.0, {.name = "j", .terms_per_rounding = 16}).error;
  EXPECT_NEAR(truncating / fp32, 4096.0 / (6 * 64), 0.1);
  EXPECT_NEAR(coarse / fp32, 2048, 10);
  EXPECT_NEAR(fp32 / joined, 4, 0.1);
}

TEST(Tolerance, CoversTheChangeOfAnActivationOverItsArguments) {
  for (int kind = 0; kind < 4; ++kind) {
    const Activation activation{static_cast<ActivationKind>(kind)};
    for (double g = -12; g <= 12; g += 0.31) {
      for (const double u : {-9.0, -7.0, -0.5, 0.0, 6.9, 7.0, 20.0}) {
        for (const double e : {1e-6, 1e-3, 0.3}) {
          const Bounded bound = bound_activation(activation, {g, e}, {u, e});
          EXPECT_EQ(bound.value, activate(activation, g, u));
          for (const double dg : {-e, e}) {
            for (const double du : {-e, e}) {
              EXPECT_LE(std::fabs(activate(activation, g + dg, u + du) - bound.value), bound.error)
                  << kind << " g " << g << " u " << u << " e " << e;
            }
          }
        }
      }
    }
  }
}

TEST(Tolerance, OfAClampedArgumentIsOnlyThatOfTheRest) {
  const Activation oai{ActivationKind::swiglu_oai};
  const double clamped = bound_activation(oai, {9.0, 0.5}, {-20.0, 0.5}).error;
  EXPECT_LT(clamped, 1e-4);
  EXPECT_GT(bound_activation(oai, {6.9, 0.5}, {-20.0, 0.5}).error, 1.0);
}

TEST(Tolerance, AddsHalfAUnitOfTheOutput) {
  EXPECT_EQ(bound_output(OutputType::fp16, {1.0, 0}), 0x1p-11);
  EXPECT_EQ(bound_output(OutputType::fp16, {-1.99, 0}), 0x1p-11);
  EXPECT_EQ(bound_output(OutputType::fp16, {1e-6, 0}), 0x1p-25);
  EXPECT_EQ(bound_output(OutputType::fp16, {0, 0}), 0x1p-25);
  EXPECT_NEAR(bound_output(OutputType::bf16, {3.0, 0}), 0x1p-7, 1e-12);
  EXPECT_EQ(bound_output(OutputType::fp32, {3.0, 0.5}), 0.5);
  EXPECT_EQ(bound_output(OutputType::nvfp4, {3.0, 0.5}), 0.5);
}

TEST(Tolerance, IsInfiniteWhereFp32SumsMayOverflow) {
  EXPECT_TRUE(std::isinf(bound_product({.sum = 1, .sum_squares = 1e77, .terms = 16}, 1.0, 0.0, {}).error));
  EXPECT_TRUE(std::isinf(bound_activation({}, {1e39, 0}, {1, 0}).error));
}

}  // namespace
}  // namespace thresher::reference
