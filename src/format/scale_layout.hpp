// The two orders of block scales in memory: row-major, as stored on disk, and the 128x4 swizzle of block-scaled MMAs.
//
// The swizzle cuts the [rows, k/16] scales into atoms of 128 rows x 4 scale columns (512 bytes), stored one after the
// other along k, then along the rows. In an atom, row r and column c sit at (r % 32) * 16 + (r / 32) * 4 + c: a thread
// that owns rows r, r+32, r+64 and r+96 finds its 16 scales in 16 consecutive bytes. Rows are padded to 128, columns
// to 4; the padding is zero.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "thresher/problem.hpp"

namespace thresher {

/// Bytes of the swizzled scales of a [rows, k] matrix, padding included. k is a multiple of 16.
constexpr std::int64_t swizzled_scale_bytes(std::int64_t rows, std::int64_t k) {
  return (rows + 127) / 128 * 128 * ((k / kScaleBlock + 3) / 4 * 4);
}

/// Where the scale of (row, scale_col) lies; scale_col counts blocks of 16 along k.
constexpr std::int64_t swizzled_scale_offset(std::int64_t row, std::int64_t scale_col, std::int64_t k) {
  const std::int64_t atoms_per_row = (k / kScaleBlock + 3) / 4;
  const std::int64_t atom = row / 128 * atoms_per_row + scale_col / 4;
  return atom * 512 + row % 32 * 16 + row % 128 / 32 * 4 + scale_col % 4;
}

/// Row-major -> swizzled. Throws Error(invalid_argument) when `scales` isn't rows * k/16 bytes.
std::vector<std::uint8_t> swizzle_scales(std::span<const std::uint8_t> scales, std::int64_t rows, std::int64_t k);

/// Swizzled -> row-major; the padding is not looked at. Throws when `swizzled` isn't swizzled_scale_bytes() bytes.
std::vector<std::uint8_t> unswizzle_scales(std::span<const std::uint8_t> swizzled, std::int64_t rows, std::int64_t k);

}  // namespace thresher
