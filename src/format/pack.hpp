// Nibbles to bytes and back: two E2M1 codes a byte, the low nibble is the even k.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace thresher {

/// The code of element `k` of a packed row.
constexpr std::uint8_t nibble_at(const std::uint8_t* row, std::int64_t k) {
  return static_cast<std::uint8_t>((row[k / 2] >> (4 * (k % 2))) & 0xF);
}

/// Packs codes, one a byte (only the low 4 bits are used), into half as many bytes. An odd count is refused.
std::vector<std::uint8_t> pack_nibbles(std::span<const std::uint8_t> codes);

/// The inverse: twice as many bytes, each 0..15.
std::vector<std::uint8_t> unpack_nibbles(std::span<const std::uint8_t> bytes);

}  // namespace thresher
