// What a problem must satisfy on any device, and the names of its parts.
#include "thresher/problem.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "thresher/error.hpp"

namespace thresher {
namespace {

// One table per enum, so that printing and parsing cannot disagree; the index is the enumerator.
constexpr std::array<const char*, 2> kOpNames = {"plain", "gated"};
constexpr std::array<const char*, 3> kOperandNames = {"nvfp4", "fp16", "bf16"};
constexpr std::array<const char*, 4> kOutputNames = {"fp16", "bf16", "fp32", "nvfp4"};
constexpr std::array<const char*, 4> kActivationNames = {"silu", "swiglu_oai", "gelu_tanh", "relu2"};

template <typename Enum, std::size_t N>
const char* name_of(Enum value, const std::array<const char*, N>& names) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : "unknown";
}

template <typename Enum, std::size_t N>
std::optional<Enum> value_of(std::string_view text, const std::array<const char*, N>& names) noexcept {
  for (std::size_t i = 0; i < N; ++i) {
    if (text == names[i]) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

template <typename Enum, std::size_t N>
void check_enum(const char* field, Enum value, const std::array<const char*, N>& names) {
  const int number = static_cast<int>(value);
  if (number >= 0 && static_cast<std::size_t>(number) < N) return;
  std::string choices;
  for (std::size_t i = 0; i < N; ++i)
    choices += (i == 0 ? "" : ", ") + std::to_string(i) + " " + names[i];
  refuse(std::string(field) + " = " + std::to_string(number) + " is no such value: use one of " + choices);
}

// No product of the extents may leave this: a matrix of doubles of any shape we form still fits the address space.
constexpr std::int64_t kMostElements = std::numeric_limits<std::int64_t>::max() / 16;

void check_product(const char* what, std::int64_t a, const char* a_name, std::int64_t b, const char* b_name) {
  if (b == 0 || a <= kMostElements / b) return;
  refuse(std::string(what) + " would have " + std::to_string(a) + " x " + std::to_string(b) + " elements (" + a_name +
         " x " + b_name + "), more than the address space holds: use a smaller " + b_name);
}

void check_rows(const Problem& problem) {
  if (problem.m.empty()) refuse("m is empty (0 groups): give the rows of at least one group, 0 is allowed");
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  std::int64_t total = 0;
  for (std::size_t group = 0; group < problem.m.size(); ++group) {
    const std::int64_t rows = problem.m[group];
    const std::string name = "m[" + std::to_string(group) + "] = " + std::to_string(rows);
    if (rows < 0) refuse(name + " is negative: rows per group must be >= 0");
    if (rows > kMost - total) {
      refuse(name + " brings the rows of all groups past " + std::to_string(kMost) +
             ", the most that int32 offsets can address: split the call");
    }
    total += rows;
  }
}

void check_extents(const Problem& problem) {
  const std::string n = std::to_string(problem.n);
  const std::string k = std::to_string(problem.k);
  if (problem.n < 1) refuse("n = " + n + " must be >= 1");
  if (problem.k < kScaleBlock || problem.k % kScaleBlock != 0) {
    refuse("k = " + k +
           " must be a positive multiple of 16 (one scale per 16 elements): pad A and B with zeros to k = " +
           (problem.k > 0 && problem.k < kMostElements ? std::to_string((problem.k + 15) / 16 * 16) : "16"));
  }
  if (problem.output == OutputType::nvfp4 && problem.n % kScaleBlock != 0) {
    refuse("n = " + n + " must be a multiple of 16 when the output is nvfp4: pad the weights, or use output fp16");
  }
  check_product("the weights of one group", problem.n, "n", problem.k, "k");
  check_product("the weights of all groups", problem.n * problem.k, "n * k", 2 * problem.groups(), "matrices");
  check_product("A", problem.k, "k", problem.total_m(), "rows");
  check_product("C", problem.n, "n", problem.total_m(), "rows");
}

void check_activation(const Activation& activation) {
  check_enum("activation kind", activation.kind, kActivationNames);
  if (activation.kind != ActivationKind::swiglu_oai) return;
  const auto check = [](const char* name, float value, bool good, const char* rule) {
    if (!good) refuse(std::string("swiglu_oai ") + name + " = " + std::to_string(value) + " must be " + rule);
  };
  check("alpha", activation.alpha, std::isfinite(activation.alpha), "finite");
  check("beta", activation.beta, std::isfinite(activation.beta), "finite");
  check("limit", activation.limit, std::isfinite(activation.limit) && activation.limit > 0,
        "finite and > 0 (use the largest float for no limit)");
}

}  // namespace

std::int64_t Problem::total_m() const noexcept {
  std::int64_t total = 0;
  for (const std::int64_t rows : m)
    total += rows;
  return total;
}

void validate(const Problem& problem) {
  check_enum("op", problem.op, kOpNames);
  check_enum("operand type", problem.operand, kOperandNames);
  check_enum("output type", problem.output, kOutputNames);
  check_rows(problem);
  check_extents(problem);
  check_activation(problem.activation);
}

const char* to_string(Op op) noexcept {
  return name_of(op, kOpNames);
}
const char* to_string(OperandType type) noexcept {
  return name_of(type, kOperandNames);
}
const char* to_string(OutputType type) noexcept {
  return name_of(type, kOutputNames);
}
const char* to_string(ActivationKind kind) noexcept {
  return name_of(kind, kActivationNames);
}

std::optional<Op> parse_op(std::string_view text) noexcept {
  return value_of<Op>(text, kOpNames);
}
std::optional<OperandType> parse_operand_type(std::string_view text) noexcept {
  return value_of<OperandType>(text, kOperandNames);
}
std::optional<OutputType> parse_output_type(std::string_view text) noexcept {
  return value_of<OutputType>(text, kOutputNames);
}
std::optional<ActivationKind> parse_activation_kind(std::string_view text) noexcept {
  return value_of<ActivationKind>(text, kActivationNames);
}

}  // namespace thresher
