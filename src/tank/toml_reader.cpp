// TOML tables read strictly, with errors that name file, line, key and value.
#include "tank/toml_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "catalog/case_reader.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

// A value on one line of at most this many characters: an error stays one line whatever it complains about.
constexpr std::size_t kLongestShown = 80;

std::string value_text(const toml::node& node) {
  if (node.is_table()) return "a table";
  std::ostringstream stream;
  node.visit([&stream](const auto& value) { stream << value; });
  // Not the formatter's choice: one kind of quotes in all messages, and 1.1 as it was written.
  std::string text = stream.str();
  if (node.is_string()) text = '"' + node.value_or(std::string()) + '"';
  if (node.is_floating_point()) text = fmt::format("{}", node.value_or(0.0));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  if (text.size() > kLongestShown) text = text.substr(0, kLongestShown) + "...";
  return text;
}

[[noreturn]] void fail_at(const std::string& origin, const toml::node& node, const std::string& message) {
  throw Error(ErrorCode::parse, catalog::place(origin, node) + message);
}

// A text in three quotes ends with the line break before the last three.
std::string trimmed(const std::string& text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpaces);
  return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace

toml::table parse_toml(std::string_view text, const std::string& origin) {
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& cause) {
    throw Error(ErrorCode::parse, fmt::format("{}:{}:{}: not TOML: {}", origin, cause.source().begin.line,
                                              cause.source().begin.column, cause.description()));
  }
}

bool is_plain_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

std::string listed(std::span<const std::string_view> names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

TableReader::TableReader(const toml::table& table, std::string origin, std::string what,
                         std::vector<std::string_view> keys)
    : table_(table), origin_(std::move(origin)), what_(std::move(what)), keys_(std::move(keys)) {
  for (const auto& [key, node] : table_) {
    if (std::find(keys_.begin(), keys_.end(), key.str()) != keys_.end()) continue;
    fail_at(origin_, node,
            fmt::format("unknown key '{}' = {}; {} has {}", key.str(), value_text(node), what_, listed(keys_)));
  }
}

void TableReader::fail(std::string_view key, const std::string& message) const {
  const toml::node* node = table_.get(key);
  fail_at(origin_, node == nullptr ? static_cast<const toml::node&>(table_) : *node, message);
}

std::string TableReader::shown(std::string_view key) const {
  const toml::node* node = table_.get(key);
  return fmt::format("{} = {}", key, node == nullptr ? "nothing" : value_text(*node));
}

const toml::node& TableReader::need(std::string_view key) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) fail(key, fmt::format("{} without the key '{}'; add it", what_, key));
  return *node;
}

void TableReader::wrong_type(const toml::node& node, std::string_view key, std::string_view kind) const {
  fail_at(origin_, node, fmt::format("{} = {} is not {}", key, value_text(node), kind));
}

std::string TableReader::text(std::string_view key) const {
  const toml::node& node = need(key);
  const std::optional<std::string> value = node.value_exact<std::string>();
  if (!value) wrong_type(node, key, "text in quotes");
  std::string content = trimmed(*value);
  if (content.empty()) fail(key, fmt::format("{} = \"\" is empty; write something or remove the key", key));
  return content;
}

std::string TableReader::text_or_none(std::string_view key) const {
  return has(key) ? text(key) : std::string();
}

std::string TableReader::name(std::string_view key) const {
  std::string value = text(key);
  if (!is_plain_name(value)) {
    fail(key, fmt::format("{} must be made of letters, digits, '-', '_' and '.'", shown(key)));
  }
  return value;
}

std::vector<std::string> TableReader::texts(std::string_view key) const {
  std::vector<std::string> values;
  if (!has(key)) return values;
  const toml::array* array = need(key).as_array();
  if (array == nullptr) wrong_type(need(key), key, "an array of texts in quotes");
  for (const toml::node& element : *array) {
    const std::optional<std::string> value = element.value_exact<std::string>();
    const std::string place = fmt::format("{}[{}]", key, values.size());
    if (!value) wrong_type(element, place, "text in quotes");
    if (trimmed(*value).empty()) fail_at(origin_, element, place + " = \"\" is empty; remove it");
    values.push_back(trimmed(*value));
  }
  return values;
}

std::vector<std::string> TableReader::distinct_texts(std::string_view key) const {
  std::vector<std::string> values = texts(key);
  std::vector<std::string> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) fail(key, fmt::format("{} holds \"{}\" twice; remove one of them", key, *twice));
  return values;
}

bool TableReader::flag(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  const std::optional<bool> value = need(key).value_exact<bool>();
  if (!value) wrong_type(need(key), key, "true or false");
  return *value;
}

std::optional<double> TableReader::number(std::string_view key, const NumberRange& range) const {
  if (!has(key)) return std::nullopt;
  const toml::node& node = need(key);
  if (!node.is_number()) wrong_type(node, key, "a number");
  const double value = node.value<double>().value_or(0.0);
  const bool above = range.open_low ? value > range.low : value >= range.low;
  if (!std::isfinite(value) || !above || value > range.high) {
    fail(key, fmt::format("{} = {} must be {}", key, value_text(node), range.words));
  }
  return value;
}

double TableReader::required_number(std::string_view key, const NumberRange& range) const {
  (void)need(key);
  return number(key, range).value_or(0.0);
}

std::optional<std::int64_t> TableReader::whole(std::string_view key, std::int64_t low, std::int64_t high) const {
  if (!has(key)) return std::nullopt;
  const std::optional<std::int64_t> value = need(key).value_exact<std::int64_t>();
  if (!value) wrong_type(need(key), key, "a whole number");
  if (*value < low || *value > high) {
    fail(key, fmt::format("{} = {} must be a whole number from {} to {}", key, *value, low, high));
  }
  return value;
}

std::optional<TableReader> TableReader::table(std::string_view key, std::string what,
                                              std::vector<std::string_view> keys) const {
  if (!has(key)) return std::nullopt;
  const toml::table* inner = need(key).as_table();
  if (inner == nullptr) wrong_type(need(key), key, fmt::format("a table; write [{}] or {{ ... }}", key));
  return TableReader(*inner, origin_, std::move(what), std::move(keys));
}

std::vector<TableReader> TableReader::tables(std::string_view key, const std::string& what,
                                             const std::vector<std::string_view>& keys) const {
  std::vector<TableReader> readers;
  if (!has(key)) return readers;
  const toml::array* array = need(key).as_array();
  if (array == nullptr) wrong_type(need(key), key, fmt::format("an array of tables; start each with [[{}]]", key));
  for (const toml::node& element : *array) {
    const toml::table* inner = element.as_table();
    if (inner == nullptr) wrong_type(element, key, fmt::format("a table; start each with [[{}]]", key));
    readers.emplace_back(*inner, origin_, what, keys);
  }
  return readers;
}

}  // namespace thresher::tank
