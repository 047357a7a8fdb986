// What validate() refuses, and that names and parsers agree.
#include "thresher/problem.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "thresher/error.hpp"

namespace thresher {
namespace {

Problem good() {
  Problem problem;
  problem.m = {0, 1, 63};
  problem.n = 17;
  problem.k = 48;
  return problem;
}

// The message that refuses `problem`, or "" when it is accepted.
std::string refusal(const Problem& problem) {
  try {
    validate(problem);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return {};
}

#define EXPECT_REFUSED(problem, part) EXPECT_NE(refusal(problem).find(part), std::string::npos) << refusal(problem)

TEST(Problem, AcceptsEmptyGroupsAndAnyNAndM) {
  EXPECT_EQ(refusal(good()), "");
  EXPECT_EQ(good().total_m(), 64);
  Problem empty = good();
  empty.m = {0, 0};
  EXPECT_EQ(refusal(empty), "");
}

TEST(Problem, RefusesKThatIsNoMultipleOf16AndSaysHowToPad) {
  Problem problem = good();
  problem.k = 50;
  EXPECT_REFUSED(problem, "k = 50");
  EXPECT_REFUSED(problem, "k = 64");
  for (const std::int64_t k : {std::int64_t{0}, std::int64_t{-16}, std::numeric_limits<std::int64_t>::max()}) {
    problem.k = k;
    EXPECT_REFUSED(problem, "k = " + std::to_string(k));
  }
}

TEST(Problem, RefusesNegativeOrOverflowingRows) {
  Problem problem = good();
  problem.m = {4, -2};
  EXPECT_REFUSED(problem, "m[1] = -2");
  problem.m = {std::numeric_limits<std::int32_t>::max(), 1};
  EXPECT_REFUSED(problem, "m[1] = 1");
  problem.m = {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max()};
  EXPECT_REFUSED(problem, "m[0] = 9223372036854775807");
  problem.m = {};
  EXPECT_REFUSED(problem, "m is empty");
}

TEST(Problem, RefusesNBelowOneAndSizesBeyondTheAddressSpace) {
  Problem problem = good();
  problem.n = 0;
  EXPECT_REFUSED(problem, "n = 0");
  problem.n = std::int64_t{1} << 40;
  problem.k = std::int64_t{1} << 40;
  EXPECT_REFUSED(problem, "1099511627776 x 1099511627776");
  problem.n = std::numeric_limits<std::int64_t>::max();
  problem.k = 16;
  EXPECT_REFUSED(problem, "address space");
  problem.n = 1;
  problem.k = std::int64_t{1} << 57;
  EXPECT_REFUSED(problem, "address space");
}

TEST(Problem, RefusesNvfp4OutputOfPartialBlocks) {
  Problem problem = good();
  problem.output = OutputType::nvfp4;
  EXPECT_REFUSED(problem, "n = 17");
  problem.n = 32;
  EXPECT_EQ(refusal(problem), "");
}

TEST(Problem, RefusesActivationParametersThatAreNotFinite) {
  const float bad[] = {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
  for (const float value : bad) {
    Problem problem = good();
    problem.activation.kind = ActivationKind::swiglu_oai;
    problem.activation.alpha = value;
    EXPECT_REFUSED(problem, "alpha");
    problem.activation.alpha = 1;
    problem.activation.beta = value;
    EXPECT_REFUSED(problem, "beta");
    problem.activation.beta = 1;
    problem.activation.limit = value;
    EXPECT_REFUSED(problem, "limit");
    problem.activation.limit = -7.0f;
    EXPECT_REFUSED(problem, "limit = -7");
    problem.activation.kind = ActivationKind::silu;  // ignores them
    EXPECT_EQ(refusal(problem), "");
  }
}

TEST(Problem, RefusesNumbersThatAreNoEnumerators) {
  Problem problem = good();
  problem.op = static_cast<Op>(2);
  EXPECT_REFUSED(problem, "op = 2");
  problem = good();
  problem.operand = static_cast<OperandType>(-1);
  EXPECT_REFUSED(problem, "operand type = -1");
  problem = good();
  problem.output = static_cast<OutputType>(4);
  EXPECT_REFUSED(problem, "output type = 4");
  problem = good();
  problem.activation.kind = static_cast<ActivationKind>(9);
  EXPECT_REFUSED(problem, "activation kind = 9");
}

TEST(Problem, ParsesEveryNameItPrints) {
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(parse_op(to_string(static_cast<Op>(i))), static_cast<Op>(i));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(parse_operand_type(to_string(static_cast<OperandType>(i))), static_cast<OperandType>(i));
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(parse_output_type(to_string(static_cast<OutputType>(i))), static_cast<OutputType>(i));
    EXPECT_EQ(parse_activation_kind(to_string(static_cast<ActivationKind>(i))), static_cast<ActivationKind>(i));
  }
  EXPECT_FALSE(parse_op("Plain").has_value());
  EXPECT_FALSE(parse_output_type("").has_value());
  EXPECT_STREQ(to_string(static_cast<Op>(-1)), "unknown");
}

TEST(Error, NamesEveryCode) {
  EXPECT_STREQ(to_string(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_STREQ(to_string(ErrorCode::internal), "internal");
  EXPECT_STREQ(to_string(static_cast<ErrorCode>(0)), "unknown");
}

}  // namespace
}  // namespace thresher
