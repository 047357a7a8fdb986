// Cleaning and converting replies.
#include "tank/external_reply.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cstdint>
#include <limits>
#include <sstream>

#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

// A pitch is four levels deep.
constexpr int kMostDepth = 16;

// One character of UTF-8, or a single byte of what is none.
struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

Character character_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1, true};
  const std::size_t bytes = first >= 0xF0 && first < 0xF5 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (bytes == 0 || first >= 0xF5 || at + bytes > text.size()) return {};
  char32_t code = first & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0u) != 0x80) return {};
    code = (code << 6) | (next & 0x3Fu);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return {};
  return {code, bytes, true};
}

bool is_harmless(const Character& one) {
  const char32_t code = one.code;
  const bool control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
  const bool line = code == 0x2028 || code == 0x2029;
  const bool direction = (code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
                         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
  return one.valid && !control && !line && !direction;
}

Json cleaned(const Json& json) {
  if (json.is_string()) {
    return clean_text(json.get_ref<const std::string&>());
  }
  if (json.is_array()) {
    Json array = Json::array();
    for (const Json& one : json)
      array.push_back(cleaned(one));
    return array;
  }
  if (json.is_object()) {
    Json object = Json::object();
    for (const auto& [key, value] : json.items())
      object[clean_text(key)] = cleaned(value);
    return object;
  }
  return json;
}

// Calls `add` with the TOML value of `json`, which `key` leads to.
template <typename Add>
void add_value(const Json& json, const std::string& key, Add&& add);

toml::table toml_table(const Json& json) {
  toml::table table;
  for (const auto& [key, value] : json.items()) {
    add_value(value, key, [&, name = key](auto&& one) { table.insert(name, std::forward<decltype(one)>(one)); });
  }
  return table;
}

toml::array toml_array(const Json& json, const std::string& key) {
  toml::array array;
  for (const Json& value : json) {
    add_value(value, key, [&](auto&& one) { array.push_back(std::forward<decltype(one)>(one)); });
  }
  return array;
}

template <typename Add>
void add_value(const Json& json, const std::string& key, Add&& add) {
  switch (json.type()) {
    case Json::value_t::object:
      return add(toml_table(json));
    case Json::value_t::array:
      return add(toml_array(json, key));
    case Json::value_t::string:
      return add(json.get<std::string>());
    case Json::value_t::boolean:
      return add(json.get<bool>());
    case Json::value_t::number_float:
      return add(json.get<double>());
    case Json::value_t::number_integer:
      return add(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        throw Error(ErrorCode::parse, fmt::format("\"{}\" = {} is too large; use at most 64 bits with sign", key,
                                                  json.get<std::uint64_t>()));
      }
      return add(json.get<std::int64_t>());
    default:
      throw Error(ErrorCode::parse, fmt::format("\"{}\" is null; leave it out instead", key));
  }
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t most) {
  std::string clean;
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++characters) {
    if (characters == most) {
      return clean + "...";
    }
    const Character one = character_at(text, at);
    if (is_harmless(one)) {
      clean.append(text.substr(at, one.bytes));
    } else {
      clean += ' ';
    }
    at += one.bytes;
  }
  clean.erase(clean.find_last_not_of(' ') + 1);
  clean.erase(0, clean.find_first_not_of(' '));
  return clean;
}

Reply parse_reply(const std::string& text) {
  Reply reply;
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMostDepth;
    return !too_deep;
  };
  try {
    const Json json = Json::parse(text, watch);
    if (too_deep) {
      reply.failure = fmt::format("replied with JSON of more than {} levels", kMostDepth);
    } else if (!json.is_object()) {
      reply.failure = fmt::format("replied with a JSON {}, not with an object", json.type_name());
    } else {
      reply.json = cleaned(json);
    }
  } catch (const Json::exception& error) {
    reply.failure = text.empty() ? "replied nothing" : "did not reply in JSON: " + clean_text(error.what(), 300);
  }
  return reply;
}

std::string to_toml(const Json& object) {
  std::ostringstream text;
  text << toml_table(object) << '\n';
  return text.str();
}

}  // namespace thresher::tank
