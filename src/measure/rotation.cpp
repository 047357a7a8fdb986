// Sets against cache and memory.
#include "measure/rotation.hpp"

#include <algorithm>
#include <string>

#include "thresher/error.hpp"

namespace thresher::measure {

Rotation sets_for(std::size_t bytes_per_set, std::size_t llc_bytes, std::optional<std::size_t> memory_limit) {
  if (bytes_per_set == 0) {
    throw Error(ErrorCode::invalid_argument, "a data set of 0 bytes cannot be rotated; give the bytes one call reads");
  }
  // Each set is allocated, packed, checked and compared by itself, so many small ones cost more than they tell: a
  // problem of less than a 256th of the cache lives in a cache in use, too. The result says that it did here.
  constexpr std::size_t kMostSets = 512;
  const std::size_t wanted = 2 * (llc_bytes / bytes_per_set) + 2 * (llc_bytes % bytes_per_set) / bytes_per_set + 1;
  std::size_t allowed = kMostSets;
  if (memory_limit) allowed = std::min(allowed, *memory_limit / bytes_per_set);
  if (allowed == 0) {
    throw Error(ErrorCode::out_of_memory, "one data set needs " + std::to_string(bytes_per_set) + " bytes but only " +
                                              std::to_string(*memory_limit) +
                                              " may be used; choose a smaller case or free memory");
  }
  return {static_cast<int>(std::min(wanted, allowed)), wanted <= allowed};
}

}  // namespace thresher::measure
