// Drawing problems and knobs.
#include "cli/random_problem.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "format/random.hpp"
#include "thresher/engine.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

template <typename T, std::size_t kCount>
T pick(Random& random, const T (&choices)[kCount]) {
  return choices[random.below(kCount)];
}

bool one_in(Random& random, std::uint32_t count) {
  return random.below(count) == 0;
}

std::int64_t draw_k(Random& random) {
  constexpr std::int64_t kEdges[] = {16, 32, 48, 64, 80, 112, 128, 144, 256, 272, 512};
  if (one_in(random, 25)) {
    return 4096;
  }
  return one_in(random, 4) ? 16 * (1 + static_cast<std::int64_t>(random.below(40))) : pick(random, kEdges);
}

std::int64_t draw_n(Random& random, OutputType output) {
  constexpr std::int64_t kEdges[] = {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100};
  const std::int64_t n = one_in(random, 4) ? 1 + static_cast<std::int64_t>(random.below(200)) : pick(random, kEdges);
  // NVFP4 results have one scale per 16 columns.
  return output == OutputType::nvfp4 ? (n + kScaleBlock - 1) / kScaleBlock * kScaleBlock : n;
}

std::int64_t draw_rows(Random& random) {
  constexpr std::int64_t kEdges[] = {0, 1, 7, 8, 15, 16, 17, 31, 33, 63, 65, 248};
  return one_in(random, 4) ? static_cast<std::int64_t>(random.below(70)) : pick(random, kEdges);
}

// Rows group by group until the budget is spent; what is too large for the rest of it shrinks.
std::vector<std::int64_t> draw_groups(Random& random, std::int64_t multiply_adds_per_row) {
  const auto groups = static_cast<std::size_t>(1 + random.below(5));
  std::int64_t budget = std::max<std::int64_t>(1, kMostMultiplyAdds / multiply_adds_per_row);
  std::vector<std::int64_t> m(groups);
  for (std::int64_t& rows : m) {
    rows = std::min(draw_rows(random), budget);
    budget -= rows;
  }
  return m;
}

Activation draw_activation(Random& random) {
  constexpr ActivationKind kKinds[] = {ActivationKind::silu, ActivationKind::swiglu_oai, ActivationKind::gelu_tanh,
                                       ActivationKind::relu2};
  constexpr float kAlphas[] = {1.702f, 1.0f, 0.5f};
  constexpr float kBetas[] = {1.0f, 0.0f, -0.5f};
  constexpr float kLimits[] = {7.0f, 0.5f, 1e30f};
  return {.kind = pick(random, kKinds),
          .alpha = pick(random, kAlphas),
          .beta = pick(random, kBetas),
          .limit = pick(random, kLimits)};
}

CpuConfig draw_config(Random& random, Isa isa, int max_threads) {
  constexpr std::int32_t kBlockM[] = {0, 16, 32, 48, 64, 128, 256};
  constexpr std::int32_t kBlockN[] = {0, 32, 64, 96, 128, 256};
  constexpr std::int32_t kBlockK[] = {0, 32, 64, 96, 256, 1024};
  constexpr std::int32_t kStages[] = {0, 1, 2, 3, 4};
  constexpr std::int32_t kPrefetch[] = {-1, 0, 64, 1024, 8192};
  constexpr StoreMode kStores[] = {StoreMode::cached, StoreMode::streaming};
  constexpr Roles kRoles[] = {Roles::fused, Roles::specialised};
  return {.isa = isa,
          .block_m = pick(random, kBlockM),
          .block_n = pick(random, kBlockN),
          .block_k = pick(random, kBlockK),
          .dequant_stages = pick(random, kStages),
          .prefetch_distance = pick(random, kPrefetch),
          .store = pick(random, kStores),
          .roles = pick(random, kRoles),
          .threads = 1 + static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(max_threads)))};
}

bool accepted(const CpuConfig& config, const Problem& problem) {
  try {
    (void)Engine({.cpu = config}).resolve(problem);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) {
      throw;
    }
    return false;
  }
}

}  // namespace

RandomProblem random_problem(std::uint64_t seed) {
  constexpr Op kOps[] = {Op::plain, Op::gated};
  constexpr OperandType kOperands[] = {OperandType::nvfp4, OperandType::fp16, OperandType::bf16};
  constexpr OutputType kOutputs[] = {OutputType::fp16, OutputType::bf16, OutputType::fp32, OutputType::nvfp4};
  Random random(seed);
  RandomProblem drawn;
  Problem& problem = drawn.problem;
  problem.op = pick(random, kOps);
  problem.operand = pick(random, kOperands);
  problem.output = pick(random, kOutputs);
  problem.k = draw_k(random);
  problem.n = draw_n(random, problem.output);
  problem.m = draw_groups(random, problem.n * problem.k * (problem.op == Op::gated ? 2 : 1));
  problem.activation = draw_activation(random);
  problem.bias = one_in(random, 3);
  drawn.recipe = kRecipes[random.below(std::size(kRecipes))];
  drawn.data_seed = random.next();
  return drawn;
}

CpuConfig random_config(std::uint64_t seed, Isa isa, const Problem& problem, int max_threads) {
  // A stream of its own for each instruction set: all of them share the problem of a seed, not the knobs.
  Random random(mix64(seed) + static_cast<std::uint64_t>(isa));
  constexpr int kTries = 64;
  const bool automatic = one_in(random, 4);
  for (int i = 0; i < kTries && !automatic; ++i) {
    const CpuConfig config = draw_config(random, isa, max_threads);
    if (accepted(config, problem)) {
      return config;
    }
  }
  return {.isa = isa};
}

std::string to_text(const RandomProblem& random) {
  const Problem& problem = random.problem;
  std::string text = fmt::format("{} g={} m={} n={} k={} a={} out={}", to_string(problem.op), problem.groups(),
                                 fmt::join(problem.m, ","), problem.n, problem.k, to_string(problem.operand),
                                 to_string(problem.output));
  if (problem.op == Op::gated) {
    text += fmt::format(" act={}", to_string(problem.activation.kind));
    if (problem.activation.kind == ActivationKind::swiglu_oai) {
      text += fmt::format("({},{},{})", problem.activation.alpha, problem.activation.beta, problem.activation.limit);
    }
  }
  return text + fmt::format("{} recipe={}", problem.bias ? " bias" : "", to_string(random.recipe));
}

}  // namespace thresher::cli
