// Which class a problem is of, and how a champion fills the fields that a config leaves open.
#include "thresher/champions.hpp"

#include <algorithm>

namespace thresher {

ShapeClass shape_class(const Problem& problem) noexcept {
  const auto with_rows = std::count_if(problem.m.begin(), problem.m.end(), [](std::int64_t rows) { return rows > 0; });
  return shape_class(problem.total_m(), with_rows);
}

const char* to_string(ShapeClass shape_class) noexcept {
  switch (shape_class) {
    case ShapeClass::decode:
      return "decode";
    case ShapeClass::prefill:
      return "prefill";
  }
  return "unknown";
}

std::optional<ShapeClass> parse_shape_class(std::string_view text) noexcept {
  for (const ShapeClass value : {ShapeClass::decode, ShapeClass::prefill}) {
    if (text == to_string(value)) return value;
  }
  return std::nullopt;
}

const Champion* find_champion(const ChampionTable& table, Op op, ShapeClass shape_class, Isa isa) noexcept {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Champion& champion) {
    return champion.op == op && champion.shape_class == shape_class && champion.config.isa == isa;
  });
  return found == table.end() ? nullptr : &*found;
}

CpuConfig with_champion(const CpuConfig& asked, const CpuConfig& champion) noexcept {
  constexpr CpuConfig kOpen;
  const auto fill = [](auto& field, const auto& open, const auto& value) {
    if (field == open) field = value;
  };
  CpuConfig filled = asked;
  fill(filled.block_m, kOpen.block_m, champion.block_m);
  fill(filled.block_n, kOpen.block_n, champion.block_n);
  fill(filled.block_k, kOpen.block_k, champion.block_k);
  fill(filled.dequant_stages, kOpen.dequant_stages, champion.dequant_stages);
  fill(filled.prefetch_distance, kOpen.prefetch_distance, champion.prefetch_distance);
  fill(filled.store, kOpen.store, champion.store);
  fill(filled.roles, kOpen.roles, champion.roles);
  return filled;
}

}  // namespace thresher
