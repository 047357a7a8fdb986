// SHA-256, from libmd: a hash of one's own is a thing to get wrong, and libcrypto is 9 MB for one function.
#include <sha2.h>

#include <array>

#include "tank/ledger.hpp"

namespace thresher::tank {

std::string content_hash(std::string_view content) {
  std::array<char, SHA256_DIGEST_STRING_LENGTH> hex = {};
  SHA256Data(reinterpret_cast<const std::uint8_t*>(content.data()), content.size(), hex.data());
  return std::string(hex.data());
}

}  // namespace thresher::tank
