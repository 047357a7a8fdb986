// Two 64-bit hashes that share no structure: a pair of texts that collides in one is no likelier to collide in the
// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace thresher::gpu {

/// FNV-1a.
constexpr std::uint64_t fnv1a64(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  return hash;
}

/// The finaliser of splitmix64, chained over words of eight bytes; the length goes in first.
constexpr std::uint64_t mix64(std::string_view text) {
  const auto scramble = [](std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  };
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  std::uint64_t hash = scramble(text.size() + kStep);
  for (std::size_t begin = 0; begin < text.size(); begin += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = begin; i < text.size() && i < begin + 8; ++i) {
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * (i - begin));
    }
    hash = scramble((hash ^ word) + kStep);
  }
  return hash;
}

/// 16 digits.
inline std::string hex64(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[text.size() - 1 - i] = "0123456789abcdef"[(value >> (4 * i)) & 15];
  }
  return text;
}

}  // namespace thresher::gpu
