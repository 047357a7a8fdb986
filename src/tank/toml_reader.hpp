// TOML tables read strictly: every key known, every value of its type, every error one line with file, line, key,
// value.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thresher::tank {

/// Throws Error(parse) with the place of the mistake when the text is not TOML.
toml::table parse_toml(std::string_view text, const std::string& origin);

/// Letters, digits, '-', '_' and '.': what goes into file names, ids and tables.
bool is_plain_name(std::string_view name) noexcept;

/// "a, b, c"
std::string listed(std::span<const std::string_view> names);

/// Bounds of a number; a bound that is open excludes its end.
struct NumberRange {
  double low = 0.0;
  double high = 0.0;
  bool open_low = false;
  std::string_view words;  // "a number above 0"
};

/// One table. Refuses unknown keys when it is made, so that a misspelt key is never ignored.
class TableReader {
 public:
  /// `what` is what errors call the table: "a pitch", "a [[risk]]". `table` must outlive the reader.
  TableReader(const toml::table& table, std::string origin, std::string what, std::vector<std::string_view> keys);

  /// At the value of a key that is there, or at the table's own place when it is not.
  [[noreturn]] void fail(std::string_view key, const std::string& message) const;
  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
  [[nodiscard]] const std::string& origin() const { return origin_; }

  /// Text that says something; a missing key or empty text is an error.
  [[nodiscard]] std::string text(std::string_view key) const;
  /// "" when the key is missing; empty text is an error here too.
  [[nodiscard]] std::string text_or_none(std::string_view key) const;
  /// Text that is a plain name.
  [[nodiscard]] std::string name(std::string_view key) const;
  /// An array of texts, none of them empty; empty when the key is missing.
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
  /// The same for a set: none twice.
  [[nodiscard]] std::vector<std::string> distinct_texts(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
  [[nodiscard]] std::optional<double> number(std::string_view key, const NumberRange& range) const;
  [[nodiscard]] double required_number(std::string_view key, const NumberRange& range) const;
  [[nodiscard]] std::optional<std::int64_t> whole(std::string_view key, std::int64_t low, std::int64_t high) const;

  /// Text that `parse` knows; `choices` is what the error lists.
  template <typename T>
  [[nodiscard]] T choice(std::string_view key, std::optional<T> (*parse)(std::string_view) noexcept,
                         std::string_view choices) const {
    const std::string value = text(key);
    const std::optional<T> found = parse(value);
    if (!found) fail(key, shown(key) + " is not one of: " + std::string(choices));
    return *found;
  }

  /// The table under a key, or nothing.
  [[nodiscard]] std::optional<TableReader> table(std::string_view key, std::string what,
                                                 std::vector<std::string_view> keys) const;
  /// The tables of [[key]]; empty when the key is missing.
  [[nodiscard]] std::vector<TableReader> tables(std::string_view key, const std::string& what,
                                                const std::vector<std::string_view>& keys) const;

  /// "key = value" as written.
  [[nodiscard]] std::string shown(std::string_view key) const;

 private:
  [[nodiscard]] const toml::node& need(std::string_view key) const;
  [[noreturn]] void wrong_type(const toml::node& node, std::string_view key, std::string_view kind) const;

  const toml::table& table_;
  std::string origin_;
  std::string what_;
  std::vector<std::string_view> keys_;
};

}  // namespace thresher::tank
