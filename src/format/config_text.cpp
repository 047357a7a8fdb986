// The text form of the CPU knobs: one table of fields serves printing, parsing and the list in the error messages.
#include <array>
#include <charconv>
#include <string>
#include <system_error>

#include "thresher/config.hpp"
#include "thresher/error.hpp"

namespace thresher {
namespace {

// A knob: exactly one of the members is set, and its type is the type of the field.
struct Field {
  const char* name;
  std::int32_t CpuConfig::*number = nullptr;
  Isa CpuConfig::*isa = nullptr;
  StoreMode CpuConfig::*store = nullptr;
  Roles CpuConfig::*roles = nullptr;
};

// In declaration order, which is the order of to_text().
constexpr std::array<Field, 9> kFields{{
    {.name = "isa", .isa = &CpuConfig::isa},
    {.name = "block_m", .number = &CpuConfig::block_m},
    {.name = "block_n", .number = &CpuConfig::block_n},
    {.name = "block_k", .number = &CpuConfig::block_k},
    {.name = "dequant_stages", .number = &CpuConfig::dequant_stages},
    {.name = "prefetch_distance", .number = &CpuConfig::prefetch_distance},
    {.name = "store", .store = &CpuConfig::store},
    {.name = "roles", .roles = &CpuConfig::roles},
    {.name = "threads", .number = &CpuConfig::threads},
}};

constexpr std::array kIsas{Isa::automatic, Isa::portable, Isa::avx2, Isa::avx512, Isa::amx};
constexpr std::array kStores{StoreMode::cached, StoreMode::streaming};
constexpr std::array kRoles{Roles::fused, Roles::specialised};

template <typename Enum, std::size_t kCount>
std::optional<Enum> find_by_name(const std::array<Enum, kCount>& values, std::string_view text) noexcept {
  for (const Enum value : values) {
    if (text == to_string(value)) return value;
  }
  return std::nullopt;
}

template <typename Enum, std::size_t kCount>
std::string names_of(const std::array<Enum, kCount>& values) {
  std::string names;
  for (const Enum value : values)
    names.append(names.empty() ? "" : ", ").append(to_string(value));
  return names;
}

std::string field_names() {
  std::string names;
  for (const Field& field : kFields)
    names.append(names.empty() ? "" : ", ").append(field.name);
  return names;
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

[[noreturn]] void refuse_value(const Field& field, std::string_view value, const std::string& expected) {
  throw Error(ErrorCode::parse, "config field '" + std::string(field.name) + "' has the value '" + std::string(value) +
                                    "'; give " + expected);
}

template <typename Enum, std::size_t kCount>
Enum parse_name(const Field& field, std::string_view value, const std::array<Enum, kCount>& values) {
  const std::optional<Enum> found = find_by_name(values, value);
  if (!found) refuse_value(field, value, "one of " + names_of(values));
  return *found;
}

// Which numbers make sense together is cpu::why_invalid()'s business; here a number only has to be one.
std::int32_t parse_number(const Field& field, std::string_view value) {
  std::int32_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || stop != end || value.empty()) {
    refuse_value(field, value, "a decimal number between -2147483648 and 2147483647");
  }
  return number;
}

void set_field(CpuConfig& config, const Field& field, std::string_view value) {
  if (field.isa != nullptr) {
    const std::optional<Isa> isa = parse_isa(value);
    if (!isa) refuse_value(field, value, "one of " + names_of(kIsas));
    config.*field.isa = *isa;
  } else if (field.store != nullptr) {
    config.*field.store = parse_name(field, value, kStores);
  } else if (field.roles != nullptr) {
    config.*field.roles = parse_name(field, value, kRoles);
  } else {
    config.*field.number = parse_number(field, value);
  }
}

std::string value_text(const CpuConfig& config, const Field& field) {
  if (field.isa != nullptr) return to_string(config.*field.isa);
  if (field.store != nullptr) return to_string(config.*field.store);
  if (field.roles != nullptr) return to_string(config.*field.roles);
  return std::to_string(config.*field.number);
}

std::size_t find_field(std::string_view name) {
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    if (name == kFields[i].name) return i;
  }
  throw Error(ErrorCode::parse, "config has no field '" + std::string(name) + "'; the fields are " + field_names());
}

}  // namespace

const char* to_string(Isa isa) noexcept {
  switch (isa) {
    case Isa::automatic:
      return "automatic";
    case Isa::portable:
      return "portable";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::amx:
      return "amx";
  }
  return "unknown";
}

const char* to_string(StoreMode store) noexcept {
  switch (store) {
    case StoreMode::cached:
      return "cached";
    case StoreMode::streaming:
      return "streaming";
  }
  return "unknown";
}

const char* to_string(Roles roles) noexcept {
  switch (roles) {
    case Roles::fused:
      return "fused";
    case Roles::specialised:
      return "specialised";
  }
  return "unknown";
}

std::optional<Isa> parse_isa(std::string_view text) noexcept {
  return find_by_name(kIsas, text);
}

std::string to_text(const CpuConfig& config) {
  std::string text;
  for (const Field& field : kFields) {
    text.append(text.empty() ? "" : ",").append(field.name).append("=").append(value_text(config, field));
  }
  return text;
}

CpuConfig cpu_config_from_text(std::string_view text) {
  CpuConfig config;
  std::array<bool, kFields.size()> seen{};
  std::string_view rest = trimmed(text);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = trimmed(rest.substr(0, comma));
    // NOTE: a trailing comma leaves an empty item behind, which is refused below: it usually means a lost field.
    const bool last = comma == std::string_view::npos;
    rest = last ? std::string_view{} : rest.substr(comma + 1);
    if (!last && rest.empty()) rest = " ";

    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      throw Error(ErrorCode::parse, "config holds '" + std::string(item) +
                                        "' where a field=value was expected, such as block_m=64; the fields are " +
                                        field_names());
    }
    const std::size_t index = find_field(trimmed(item.substr(0, equals)));
    if (seen[index]) {
      throw Error(ErrorCode::parse, "config sets '" + std::string(kFields[index].name) +
                                        "' twice, the second time by '" + std::string(item) + "'; remove one of them");
    }
    seen[index] = true;
    set_field(config, kFields[index], trimmed(item.substr(equals + 1)));
  }
  return config;
}

}  // namespace thresher
