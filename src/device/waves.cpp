// Integer arithmetic of tiles and slots; every count is checked because it ends in a report.
#include "device/waves.hpp"

#include <cmath>
#include <string>

#include "thresher/error.hpp"

namespace thresher::device {
namespace {

void require(bool met, const std::string& message) {
  if (!met) throw Error(ErrorCode::invalid_argument, message);
}

// NOTE: value / unit + 1 instead of (value + unit - 1) / unit, which can overflow.
std::int64_t divide_up(std::int64_t value, std::int64_t unit) {
  return value / unit + (value % unit != 0 ? 1 : 0);
}

// Row tiles over all groups.
std::int64_t row_tiles(std::span<const std::int64_t> m, std::int64_t tile_m) {
  require(tile_m >= 1, "a tile needs at least 1 row, not " + std::to_string(tile_m));
  std::int64_t tiles = 0;
  for (const std::int64_t rows : m) {
    require(rows >= 0, "a group cannot have " + std::to_string(rows) + " rows; use 0 for an empty one");
    require(!__builtin_add_overflow(tiles, divide_up(rows, tile_m), &tiles), "the tiles of all groups exceed 2^63");
  }
  return tiles;
}

}  // namespace

std::int64_t padded_rows(std::span<const std::int64_t> m, std::int64_t tile_m) {
  std::int64_t rows = 0;
  require(!__builtin_mul_overflow(row_tiles(m, tile_m), tile_m, &rows), "the padded rows of all groups exceed 2^63");
  return rows;
}

std::optional<double> padding_fraction(std::span<const std::int64_t> m, std::int64_t tile_m) {
  const double padded = static_cast<double>(padded_rows(m, tile_m));
  double total = 0.0;
  for (const std::int64_t rows : m) {
    total += static_cast<double>(rows);
  }
  return total > 0.0 ? std::optional<double>((padded - total) / total) : std::nullopt;
}

std::int64_t tile_count(std::span<const std::int64_t> m, std::int64_t n, std::int64_t tile_m, std::int64_t tile_n) {
  require(n >= 0, "C cannot have " + std::to_string(n) + " columns");
  require(tile_n >= 1, "a tile needs at least 1 column, not " + std::to_string(tile_n));
  std::int64_t tiles = 0;
  require(!__builtin_mul_overflow(row_tiles(m, tile_m), divide_up(n, tile_n), &tiles), "the tiles of C exceed 2^63");
  return tiles;
}

std::int64_t Waves::waves() const {
  return divide_up(tiles, slots);
}

std::optional<double> Waves::tail_utilisation() const {
  if (tiles == 0) return std::nullopt;
  const std::int64_t last = tiles - (waves() - 1) * slots;
  return static_cast<double>(last) / static_cast<double>(slots);
}

std::optional<double> Waves::utilisation() const {
  if (tiles == 0) return std::nullopt;
  return static_cast<double>(tiles) / (static_cast<double>(waves()) * static_cast<double>(slots));
}

Waves waves(std::int64_t tiles, std::int64_t slots) {
  require(tiles >= 0, "there cannot be " + std::to_string(tiles) + " tiles");
  require(slots >= 1, "a device needs at least 1 slot, not " + std::to_string(slots));
  return {tiles, slots};
}

double bytes_in_flight(double bytes_per_second, double latency_seconds) {
  require(std::isfinite(bytes_per_second) && bytes_per_second >= 0.0,
          "a bandwidth of " + std::to_string(bytes_per_second) + " bytes per second makes no sense; give one >= 0");
  require(std::isfinite(latency_seconds) && latency_seconds >= 0.0,
          "a latency of " + std::to_string(latency_seconds) + " seconds makes no sense; give one >= 0");
  return bytes_per_second * latency_seconds;
}

}  // namespace thresher::device
