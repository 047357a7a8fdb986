// Turns a TOML table into a Case, or into an error that names file, line, key and value.
#include "catalog/case_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "thresher/error.hpp"

namespace thresher::catalog {
namespace {

constexpr std::array<std::string_view, 13> kKeys = {
    "name",          "description",     "op", "m", "n", "k", "operand", "output", "activation", "bias", "target_us",
    "target_source", "seed_baseline_us"};

std::string text_of(const toml::node& node) {
  std::ostringstream stream;
  node.visit([&stream](const auto& value) { stream << value; });
  return stream.str();
}

class Reader {
 public:
  Reader(const toml::table& table, const std::string& origin) : table_(table), origin_(origin) {}

  [[noreturn]] void fail(ErrorCode code, const toml::node& at, const std::string& message) const {
    throw Error(code, place(origin_, at) + message);
  }

  void refuse_unknown_keys() const {
    for (const auto& [key, node] : table_) {
      if (std::find(kKeys.begin(), kKeys.end(), key.str()) != kKeys.end()) continue;
      fail(ErrorCode::parse, node, fmt::format("unknown key '{}'; a case has {}", key.str(), fmt::join(kKeys, ", ")));
    }
  }

  template <typename T>
  std::optional<T> optional(std::string_view key, std::string_view kind) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    const std::optional<T> value = node->value_exact<T>();
    if (!value) wrong_type(*node, key, kind);
    return value;
  }

  template <typename T>
  T required(std::string_view key, std::string_view kind) const {
    const std::optional<T> value = optional<T>(key, kind);
    if (!value) missing(key);
    return *value;
  }

  // "target_us = 373" is a time as much as "373.0" is.
  std::optional<double> positive(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    if (!node->is_number()) wrong_type(*node, key, "a number");
    const double value = node->value<double>().value_or(0.0);
    if (!std::isfinite(value) || value <= 0.0) {
      fail(ErrorCode::invalid_argument, *node, fmt::format("{} = {} is not a time above 0", key, text_of(*node)));
    }
    return value;
  }

  std::vector<std::int64_t> rows() const {
    const toml::node* node = table_.get("m");
    if (node == nullptr) missing("m");
    const toml::array* array = node->as_array();
    if (array == nullptr) wrong_type(*node, "m", "an array of whole numbers, one per group");
    if (array->empty()) fail(ErrorCode::invalid_argument, *node, "m = [] has no group; give the rows of at least one");
    std::vector<std::int64_t> rows;
    for (const toml::node& element : *array) {
      const std::optional<std::int64_t> value = element.value_exact<std::int64_t>();
      if (!value) wrong_type(element, fmt::format("m[{}]", rows.size()), "a whole number");
      if (*value < 0) {
        fail(ErrorCode::invalid_argument, element,
             fmt::format("m[{}] = {} is negative; use 0 for an empty group", rows.size(), *value));
      }
      rows.push_back(*value);
    }
    return rows;
  }

  std::int64_t size(std::string_view key, std::int64_t unit) const {
    const std::int64_t value = required<std::int64_t>(key, "a whole number");
    if (value >= 1 && value % unit == 0) return value;
    const std::string need = unit == 1 ? "at least 1" : fmt::format("a multiple of {}, at least {}", unit, unit);
    fail(ErrorCode::invalid_argument, *table_.get(key), fmt::format("{} = {} must be {}", key, value, need));
  }

  template <typename T>
  T choice(std::string_view key, T fallback, std::optional<T> (*parse)(std::string_view) noexcept,
           std::string_view choices) const {
    const std::optional<std::string> text = optional<std::string>(key, "text in quotes");
    if (!text) return fallback;
    const std::optional<T> value = parse(*text);
    if (!value) {
      fail(ErrorCode::invalid_argument, *table_.get(key),
           fmt::format("{} = \"{}\" is not one of: {}", key, *text, choices));
    }
    return *value;
  }

  void both_or_neither(std::string_view first, std::string_view second) const {
    const bool has_first = table_.contains(first);
    if (has_first == table_.contains(second)) return;
    fail(ErrorCode::parse, *table_.get(has_first ? first : second),
         fmt::format("{} without {}: a target needs a source, and a source a target", has_first ? first : second,
                     has_first ? second : first));
  }

  const toml::node& node(std::string_view key) const { return *table_.get(key); }
  const toml::table& table() const { return table_; }

 private:
  [[noreturn]] void missing(std::string_view key) const {
    fail(ErrorCode::parse, table_, fmt::format("a case without the key '{}'; name, m, n and k are required", key));
  }

  [[noreturn]] void wrong_type(const toml::node& node, std::string_view key, std::string_view kind) const {
    fail(ErrorCode::parse, node, fmt::format("{} = {} is not {}", key, text_of(node), kind));
  }

  const toml::table& table_;
  const std::string& origin_;
};

// Names go into file names, shells and tables.
bool is_plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

}  // namespace

std::string place(const std::string& origin, const toml::node& node) {
  return fmt::format("{}:{}: ", origin, node.source().begin.line);
}

Case read_case(const toml::table& table, const std::string& origin) {
  const Reader reader(table, origin);
  reader.refuse_unknown_keys();

  Case result;
  result.name = reader.required<std::string>("name", "text in quotes");
  if (!is_plain_name(result.name)) {
    reader.fail(ErrorCode::invalid_argument, reader.node("name"),
                fmt::format("name = \"{}\" must be made of letters, digits, '-', '_' and '.'", result.name));
  }
  result.description = reader.optional<std::string>("description", "text in quotes").value_or("");

  Problem& problem = result.problem;
  problem.op = reader.choice<Op>("op", Op::plain, parse_op, "plain, gated");
  problem.m = reader.rows();
  problem.n = reader.size("n", 1);
  problem.k = reader.size("k", kScaleBlock);
  problem.operand = reader.choice<OperandType>("operand", OperandType::nvfp4, parse_operand_type, "nvfp4, fp16, bf16");
  problem.output = reader.choice<OutputType>("output", OutputType::fp16, parse_output_type, "fp16, bf16, fp32, nvfp4");
  problem.activation.kind = reader.choice<ActivationKind>("activation", ActivationKind::silu, parse_activation_kind,
                                                          "silu, swiglu_oai, gelu_tanh, relu2");
  problem.bias = reader.optional<bool>("bias", "true or false").value_or(false);
  try {
    validate(problem);
  } catch (const Error& cause) {
    reader.fail(cause.code(), reader.table(), fmt::format("case '{}': {}", result.name, cause.what()));
  }

  reader.both_or_neither("target_us", "target_source");
  result.target_us = reader.positive("target_us");
  result.target_source = reader.optional<std::string>("target_source", "text in quotes").value_or("");
  if (result.target_us && result.target_source.empty()) {
    reader.fail(ErrorCode::invalid_argument, reader.node("target_source"),
                "target_source = \"\" names no source; say where the target comes from");
  }
  result.seed_baseline_us = reader.positive("seed_baseline_us");
  return result;
}

}  // namespace thresher::catalog
