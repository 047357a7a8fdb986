// Nibbles to bytes and back.
#include "format/pack.hpp"

#include <string>

#include "thresher/error.hpp"

namespace thresher {

std::vector<std::uint8_t> pack_nibbles(std::span<const std::uint8_t> codes) {
  if (codes.size() % 2 != 0) {
    throw Error(ErrorCode::invalid_argument,
                std::to_string(codes.size()) + " codes do not fill whole bytes: pad to an even count");
  }
  std::vector<std::uint8_t> bytes(codes.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>((codes[2 * i] & 0xF) | ((codes[2 * i + 1] & 0xF) << 4));
  }
  return bytes;
}

std::vector<std::uint8_t> unpack_nibbles(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> codes(bytes.size() * 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    codes[2 * i] = bytes[i] & 0xF;
    codes[2 * i + 1] = static_cast<std::uint8_t>(bytes[i] >> 4);
  }
  return codes;
}

}  // namespace thresher
