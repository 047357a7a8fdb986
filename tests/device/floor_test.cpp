// The floor model: published targets, the bytes of every type, and refusals.
#include "device/floor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "thresher/error.hpp"

namespace thresher::device {
namespace {

constexpr double kB200Bandwidth = 7.68e12;
constexpr double kB200Rate = 6.90e15;

Problem problem(Op op, std::vector<std::int64_t> m, std::int64_t n, std::int64_t k) {
  Problem result;
  result.op = op;
  result.m = std::move(m);
  result.n = n;
  result.k = k;
  return result;
}

struct Target {
  const char* name;
  Problem problem;
  double microseconds;
  bool memory_bound;
};

std::vector<Target> published() {
  return {{"g8-k7168", problem(Op::plain, {80, 176, 128, 72, 64, 248, 96, 160}, 4096, 7168), 18.833, true},
          {"g8-k2048", problem(Op::plain, {40, 76, 168, 72, 164, 148, 196, 160}, 7168, 2048), 10.667, true},
          {"g2-k4096", problem(Op::plain, {192, 320}, 3072, 4096), 2.406, true},
          {"g2-k1536", problem(Op::plain, {128, 384}, 4096, 1536), 1.525, true},
          {"dual 256x4096x7168", problem(Op::gated, {256}, 4096, 7168), 4.708, true},
          {"dual 512x4096x7168", problem(Op::gated, {512}, 4096, 7168), 8.714, false},
          {"dual 256x3072x4096", problem(Op::gated, {256}, 3072, 4096), 2.125, true},
          {"dual 512x3072x7168", problem(Op::gated, {512}, 3072, 7168), 6.535, false}};
}

TEST(Floor, ReproducesTheEightPublishedTargetsWithin3In10000) {
  for (const Target& target : published()) {
    SCOPED_TRACE(target.name);
    const Floor result = floor(target.problem, kB200Bandwidth, kB200Rate);
    EXPECT_NEAR(result.seconds() * 1e6 / target.microseconds, 1.0, 3e-4);
    EXPECT_EQ(result.memory_bound(), target.memory_bound);
    EXPECT_EQ(result.seconds(), std::max(result.memory_seconds, result.compute_seconds));
  }
}

TEST(WorkOf, CountsEachMatrixInItsType) {
  Problem p = problem(Op::plain, {3, 5}, 32, 64);
  Work work = work_of(p);
  EXPECT_EQ(work.weight_bytes, 2 * 32 * 64 * 0.5625);
  EXPECT_EQ(work.operand_bytes, 8 * 64 * 0.5625);
  EXPECT_EQ(work.output_bytes, 8 * 32 * 2.0);
  EXPECT_EQ(work.bias_bytes, 0.0);
  EXPECT_EQ(work.flops, 2.0 * 8 * 32 * 64);

  p.op = Op::gated;
  p.operand = OperandType::bf16;
  p.output = OutputType::fp32;
  p.bias = true;
  work = work_of(p);
  EXPECT_EQ(work.weight_bytes, 2 * 2 * 32 * 64 * 0.5625);
  EXPECT_EQ(work.operand_bytes, 8 * 64 * 2.0);
  EXPECT_EQ(work.output_bytes, 8 * 32 * 4.0);
  EXPECT_EQ(work.bias_bytes, 2 * 2 * 32 * 4.0);
  EXPECT_EQ(work.flops, 2 * 2.0 * 8 * 32 * 64);

  p.output = OutputType::nvfp4;
  EXPECT_EQ(work_of(p).output_bytes, 8 * 32 * 0.5625);
}

TEST(WorkOf, AGroupWithoutRowsReadsNothing) {
  const Work one = work_of(problem(Op::gated, {7}, 64, 128));
  const Work with_empty = work_of(problem(Op::gated, {0, 7, 0, 0}, 64, 128));
  EXPECT_EQ(with_empty.bytes(), one.bytes());
  EXPECT_EQ(with_empty.flops, one.flops);
  EXPECT_EQ(work_of(problem(Op::plain, {0, 0}, 64, 128)).bytes(), 0.0);
}

TEST(WorkOf, DoesNotOverflowWhereIntegersWould) {
  const std::int64_t huge = std::int64_t{1} << 31;
  const Work work = work_of(problem(Op::gated, {huge}, huge, huge));
  EXPECT_DOUBLE_EQ(work.flops, 4.0 * std::pow(2.0, 93));
}

TEST(Floor, RefusesCeilingsThatCannotBe) {
  const Problem p = problem(Op::plain, {1}, 16, 16);
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(floor(p, bad, 1.0), Error);
    EXPECT_THROW(floor(p, 1.0, bad), Error);
  }
  try {
    floor(p, 0.0, 1.0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("bandwidth"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("thresher ceilings"), std::string::npos);
  }
}

}  // namespace
}  // namespace thresher::device
