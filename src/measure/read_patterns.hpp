// Loops that do nothing but read memory, for the bandwidth ceiling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace thresher::measure {

/// Reads `words` 64-bit words (a multiple of 64) and returns their xor, so that no read can be left out.
using ReadLoop = std::uint64_t (*)(const std::uint64_t* data, std::size_t words);

struct ReadPattern {
  const char* name;
  ReadLoop loop;
};

/// Which one reads fastest depends on the prefetchers of the processor, so the ceiling tries all.
std::span<const ReadPattern> read_patterns();

}  // namespace thresher::measure
