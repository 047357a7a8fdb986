// One ascending stream, four streams at once, and those with software prefetch.
//
// NOTE: sixteen accumulators are sixteen independent chains of xor; the compiler makes vectors of them, and even the
// 128-bit ones of the baseline take four times less time for a line than a core needs to get it from memory.
#include "measure/read_patterns.hpp"

#include <array>

namespace thresher::measure {
namespace {

constexpr std::size_t kChains = 16;
constexpr std::size_t kWordsPerLine = 8;

using Chains = std::array<std::uint64_t, kChains>;

inline void read_two_lines(const std::uint64_t* data, Chains& chains) {
  for (std::size_t i = 0; i < kChains; ++i) {
    chains[i] ^= data[i];
  }
}

std::uint64_t fold(const Chains& chains) {
  std::uint64_t result = 0;
  for (const std::uint64_t chain : chains) {
    result ^= chain;
  }
  return result;
}

std::uint64_t one_stream(const std::uint64_t* data, std::size_t words) {
  Chains chains{};
  for (std::size_t at = 0; at < words; at += kChains) {
    read_two_lines(data + at, chains);
  }
  return fold(chains);
}

// `ahead` words: 0 asks for nothing.
template <std::size_t ahead>
std::uint64_t four_streams(const std::uint64_t* data, std::size_t words) {
  const std::size_t quarter = words / 4;
  Chains chains{};
  for (std::size_t at = 0; at < quarter; at += kChains) {
    for (std::size_t stream = 0; stream < 4; ++stream) {
      const std::uint64_t* here = data + stream * quarter + at;
      if constexpr (ahead > 0) {
        const std::size_t next = at + ahead < quarter ? ahead : 0;
        __builtin_prefetch(here + next, 0, 0);
        __builtin_prefetch(here + next + kWordsPerLine, 0, 0);
      }
      read_two_lines(here, chains);
    }
  }
  return fold(chains);
}

// 512 bytes ahead in each of four streams: about what one core has under way at 20 GB/s and 100 ns.
constexpr std::size_t kAhead = 512 / sizeof(std::uint64_t);

constexpr std::array<ReadPattern, 3> kPatterns = {{{"one stream", one_stream},
                                                   {"four streams", four_streams<0>},
                                                   {"four streams with prefetch", four_streams<kAhead>}}};

}  // namespace

std::span<const ReadPattern> read_patterns() {
  return kPatterns;
}

}  // namespace thresher::measure
