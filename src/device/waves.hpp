// Padding, wave and latency arithmetic: what tiles do to ragged groups, and what slots do to tiles.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace thresher::device {

/// Rows after padding every group to a multiple of `tile_m`. Empty groups stay empty.
std::int64_t padded_rows(std::span<const std::int64_t> m, std::int64_t tile_m);

/// Extra rows over real rows: 0.375 means 37.5 % more work. Nothing when there is no row at all.
std::optional<double> padding_fraction(std::span<const std::int64_t> m, std::int64_t tile_m);

/// Tiles of tile_m x tile_n that cover C of every group; tiles do not span groups.
std::int64_t tile_count(std::span<const std::int64_t> m, std::int64_t n, std::int64_t tile_m, std::int64_t tile_n);

/// `tiles` equal tiles run on `slots` places that each hold one at a time.
struct Waves {
  std::int64_t tiles = 0;
  std::int64_t slots = 1;

  [[nodiscard]] std::int64_t waves() const;
  /// Tiles of the last wave over slots, in (0, 1]. Nothing without tiles.
  [[nodiscard]] std::optional<double> tail_utilisation() const;
  /// Tiles over all places of all waves, in (0, 1]: the share of the machine that equal tiles can use.
  [[nodiscard]] std::optional<double> utilisation() const;
};

/// Throws Error(invalid_argument) for negative tiles or slots < 1.
Waves waves(std::int64_t tiles, std::int64_t slots);

/// Little's law: bytes that must be under way at any time to keep `bytes_per_second` over `latency_seconds`.
double bytes_in_flight(double bytes_per_second, double latency_seconds);

}  // namespace thresher::device
