// How many data sets a measurement rotates over, so that no timed call finds its weights in a cache.
#pragma once

#include <cstddef>
#include <optional>

namespace thresher::measure {

struct Rotation {
  int sets = 1;
  bool beyond_cache = true;  // false: fewer sets than the rule asks for; say so with the result
};

/// Enough sets that together exceed twice the last-level cache: then, coming back to the first, at least one whole
/// cache of other data has passed. At most 512, and fewer where `memory_limit` (bytes) allows fewer. Throws
/// Error(invalid_argument) for empty sets, Error(out_of_memory) when not even one set fits.
Rotation sets_for(std::size_t bytes_per_set, std::size_t llc_bytes, std::optional<std::size_t> memory_limit);

}  // namespace thresher::measure
