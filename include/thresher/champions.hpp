// Champions: the config that won the measurements for an op and a class of shapes; an engine fills automatic fields
// from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "thresher/config.hpp"
#include "thresher/problem.hpp"

namespace thresher {

/// Few tokens a group (the stream of weights is all there is to wait for), or more.
enum class ShapeClass : int { decode = 0, prefill = 1 };

/// Mean rows of the groups that have any, up to which a problem is `decode`.
inline constexpr std::int64_t kDecodeRows = 16;

/// The class of `rows` rows over `groups_with_rows` groups that have at least one. No rows at all count as decode.
constexpr ShapeClass shape_class(std::int64_t rows, std::int64_t groups_with_rows) noexcept {
  return rows <= kDecodeRows * groups_with_rows ? ShapeClass::decode : ShapeClass::prefill;
}

ShapeClass shape_class(const Problem& problem) noexcept;

const char* to_string(ShapeClass shape_class) noexcept;
std::optional<ShapeClass> parse_shape_class(std::string_view text) noexcept;

/// A config in force for (op, class of shapes) on the machines whose best instruction set is config.isa.
struct Champion {
  Op op = Op::gated;
  ShapeClass shape_class = ShapeClass::decode;
  CpuConfig config;    // names its isa; `threads` is a record of the measurement, never taken over
  std::string source;  // where it won, for people

  bool operator==(const Champion&) const = default;
};

/// At most one for each (op, shape_class, config.isa).
using ChampionTable = std::vector<Champion>;

/// The champion of an op, class and instruction set; null where there is none. Points into `table`.
const Champion* find_champion(const ChampionTable& table, Op op, ShapeClass shape_class, Isa isa) noexcept;

/// `asked` with the champion's values in every field that `asked` leaves open.
///
/// NOTE: `store` and `roles` have no automatic value: they are open where they are at their defaults (cached, fused).
/// A caller who wants exactly those gives no champions. `isa` and `threads` stay as asked: the champion is for one isa,
/// and how many threads pay is a matter of the machine, not of its kind.
CpuConfig with_champion(const CpuConfig& asked, const CpuConfig& champion) noexcept;

}  // namespace thresher
