// Seeded inputs: which random stream feeds what, and the global scales that keep the results of the order of 1.
#include "format/generate.hpp"

#include <array>
#include <cmath>
#include <string>

#include "format/generate_matrix.hpp"
#include "format/random.hpp"
#include "thresher/error.hpp"

namespace thresher {
namespace {

constexpr std::array<const char*, 6> kNames = {"full_range", "normal",     "integers",
                                               "outliers",   "nan_scales", "subnormal_scales"};

enum class Purpose : std::uint64_t { gate = 0, up = 1, activations = 2, a_scales = 3, bias = 4, bias_up = 5 };

// Each (purpose, group) has its own stream: an expert can be generated alone, and adding one changes no other.
Random stream(std::uint64_t seed, Purpose purpose, std::int64_t group) {
  const std::uint64_t place = static_cast<std::uint64_t>(group) * 8 + static_cast<std::uint64_t>(purpose);
  return Random(seed ^ mix64(place + 1));
}

// Products of the order of 2 reach both sides of every clamp and of the sigmoid, yet overflow no fp16.
constexpr float kProductRms = 2.0f;

// sqrt is correctly rounded everywhere (IEEE 754), so this too is the same on every platform.
float root_of_k(const Problem& problem) {
  return std::sqrt(static_cast<float>(problem.k));
}

// Gate in [0.5, 0.75), up in [1, 1.5) times the unit: they can't coincide, so swapping or sharing them shows.
float weight_global_scale(const Problem& problem, Recipe recipe, int which, Random random) {
  if (recipe == Recipe::integers) return 1.0f;
  const float factor = which == 0 ? 0.5f + 0.25f * random.uniform() : 1.0f + 0.5f * random.uniform();
  float unit = 1.0f / matrix_rms(recipe);
  // NVFP4 activations carry the target and the root of k in their own global scale; halves have none.
  if (problem.operand != OperandType::nvfp4) unit *= kProductRms / (halves_rms(recipe) * root_of_k(problem));
  return factor * unit;
}

std::vector<float> activation_global_scales(const Problem& problem, Recipe recipe, std::uint64_t seed) {
  std::vector<float> scales(problem.m.size(), 1.0f);
  if (recipe == Recipe::integers) return scales;
  const float unit = kProductRms / (matrix_rms(recipe) * root_of_k(problem));
  Random random = stream(seed, Purpose::a_scales, 0);
  for (float& scale : scales)
    scale = unit * (0.75f + 0.5f * random.uniform());
  return scales;
}

std::vector<float> generate_bias(const Problem& problem, Recipe recipe, Random random) {
  std::vector<float> bias(static_cast<std::size_t>(problem.groups() * problem.n));
  for (float& value : bias) {
    value = recipe == Recipe::integers ? static_cast<float>(random.below(17)) - 8.0f : random.normal();
  }
  return bias;
}

float output_global_scale(const Problem& problem, Recipe recipe) {
  if (recipe == Recipe::integers) return 1.0f;
  // The expected largest result at 6 * 448; a few results beyond it saturate, which is worth seeing too.
  const bool cubic = problem.op == Op::gated && problem.activation.kind == ActivationKind::relu2;
  return (cubic ? 256.0f : 24.0f) / (6.0f * 448.0f);
}

}  // namespace

const char* to_string(Recipe recipe) noexcept {
  const auto index = static_cast<std::size_t>(recipe);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<Recipe> parse_recipe(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (text == kNames[i]) return static_cast<Recipe>(i);
  }
  return std::nullopt;
}

OperandView ProblemData::a() const {
  OperandView view;
  view.type = problem.operand;
  view.rows = problem.total_m();
  view.k = problem.k;
  if (problem.operand == OperandType::nvfp4) {
    view.data = a_nvfp4.codes.data();
    view.scales = a_nvfp4.scales.data();
    view.global_scales = a_global_scales;
  } else {
    view.data = a_half.data();
  }
  return view;
}

Nvfp4Matrix generate_weights(const Problem& problem, Recipe recipe, std::uint64_t seed, std::int64_t group, int which) {
  const int matrices = problem.op == Op::gated ? 2 : 1;
  if (group < 0 || group >= problem.groups() || which < 0 || which >= matrices) {
    throw Error(ErrorCode::invalid_argument, "weights of group " + std::to_string(group) + ", matrix " +
                                                 std::to_string(which) + " do not exist: the problem has " +
                                                 std::to_string(problem.groups()) + " groups of " +
                                                 std::to_string(matrices));
  }
  const Random random = stream(seed, which == 0 ? Purpose::gate : Purpose::up, group);
  Nvfp4Matrix matrix = generate_matrix(recipe, Side::weights, problem.n, problem.k, random);
  matrix.global_scale = weight_global_scale(problem, recipe, which, random);
  return matrix;
}

ProblemData generate_activations(const Problem& problem, Recipe recipe, std::uint64_t seed) {
  validate(problem);
  ProblemData data;
  data.problem = problem;
  data.offsets.push_back(0);
  for (const std::int64_t rows : problem.m) {
    data.offsets.push_back(data.offsets.back() + static_cast<std::int32_t>(rows));
  }
  const Random random = stream(seed, Purpose::activations, 0);
  if (problem.operand == OperandType::nvfp4) {
    data.a_nvfp4 = generate_matrix(recipe, Side::activations, problem.total_m(), problem.k, random);
    data.a_global_scales = activation_global_scales(problem, recipe, seed);
  } else {
    data.a_half = generate_halves(recipe, problem.operand, problem.total_m() * problem.k, random);
  }
  if (problem.bias) {
    data.bias = generate_bias(problem, recipe, stream(seed, Purpose::bias, 0));
    if (problem.op == Op::gated) data.bias_up = generate_bias(problem, recipe, stream(seed, Purpose::bias_up, 0));
  }
  if (problem.output == OutputType::nvfp4) data.out_global_scale = output_global_scale(problem, recipe);
  return data;
}

ProblemData generate(const Problem& problem, Recipe recipe, std::uint64_t seed) {
  ProblemData data = generate_activations(problem, recipe, seed);
  for (std::int64_t group = 0; group < problem.groups(); ++group) {
    data.gate.push_back(generate_weights(problem, recipe, seed, group, 0));
    if (problem.op == Op::gated) data.up.push_back(generate_weights(problem, recipe, seed, group, 1));
  }
  return data;
}

}  // namespace thresher
