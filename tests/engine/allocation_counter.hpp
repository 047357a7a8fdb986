// Counts the heap allocations of the whole process, all threads, whichever function makes them.
#pragma once

#include <cstdint>

namespace thresher::testing {

/// Allocations since the start of the process: operator new and, outside sanitizers, malloc and its relatives.
std::int64_t allocation_count() noexcept;

}  // namespace thresher::testing
