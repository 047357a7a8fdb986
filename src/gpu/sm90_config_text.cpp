// The text form of the Hopper knobs: one table of fields serves printing, parsing and the list in the error messages.
#include <array>
#include <charconv>
#include <string>
#include <system_error>

#include "thresher/error.hpp"
#include "thresher/gpu.hpp"

namespace thresher {
namespace {

struct Field {
  const char* name;
  std::int32_t Sm90Config::*number = nullptr;
};

constexpr std::array<Field, 9> kFields{{
    {"tile_rows", &Sm90Config::tile_rows},
    {"tile_tokens", &Sm90Config::tile_tokens},
    {"token_step", &Sm90Config::token_step},
    {"tile_k", &Sm90Config::tile_k},
    {"ab_stages", &Sm90Config::ab_stages},
    {"consumers", &Sm90Config::consumers},
    {"products"},
    {"scheduler"},
    {"stage_overhead", &Sm90Config::stage_overhead},
}};
constexpr std::array<const char*, 3> kProducts{"automatic", "warpgroup", "warp"};
constexpr std::array<const char*, 3> kSchedules{"automatic", "static_tiles", "stream_k"};

bool is_products(const Field& field) {
  return std::string_view(field.name) == "products";
}

template <std::size_t kCount>
std::string listed(const std::array<const char*, kCount>& names) {
  std::string text;
  for (const char* name : names)
    text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

[[noreturn]] void refuse_value(const Field& field, std::string_view value, const std::string& expected) {
  throw Error(ErrorCode::parse, "config field '" + std::string(field.name) + "' has the value '" + std::string(value) +
                                    "'; give " + expected);
}

template <std::size_t kCount>
int parse_name(const Field& field, std::string_view value, const std::array<const char*, kCount>& names) {
  for (std::size_t i = 0; i < kCount; ++i)
    if (value == names[i]) return static_cast<int>(i);
  refuse_value(field, value, "one of " + listed(names));
}

void set_field(Sm90Config& config, const Field& field, std::string_view value) {
  if (field.number != nullptr) {
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, config.*field.number);
    if (error != std::errc{} || stop != end || value.empty()) refuse_value(field, value, "a decimal number");
  } else if (is_products(field)) {
    config.products = static_cast<Sm90Products>(parse_name(field, value, kProducts));
  } else {
    config.scheduler = static_cast<Sm90Schedule>(parse_name(field, value, kSchedules));
  }
}

const Field& find_field(std::string_view name) {
  std::string names;
  for (const Field& field : kFields) {
    if (name == field.name) return field;
    names.append(names.empty() ? "" : ", ").append(field.name);
  }
  throw Error(ErrorCode::parse, "config has no field '" + std::string(name) + "'; the fields are " + names);
}

}  // namespace

std::string to_text(const Sm90Config& config) {
  std::string text;
  for (const Field& field : kFields) {
    text.append(text.empty() ? "" : ",").append(field.name).append("=");
    if (field.number != nullptr) {
      text += std::to_string(config.*field.number);
    } else {
      text += is_products(field) ? kProducts[static_cast<std::size_t>(config.products)]
                                 : kSchedules[static_cast<std::size_t>(config.scheduler)];
    }
  }
  return text;
}

Sm90Config sm90_config_from_text(std::string_view text) {
  Sm90Config config;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      throw Error(ErrorCode::parse, "config item '" + std::string(item) + "' is no field=value");
    }
    set_field(config, find_field(item.substr(0, equals)), item.substr(equals + 1));
  }
  return config;
}

}  // namespace thresher
