// The shape that the zoo's races are published for: what a library may know beforehand.
#pragma once

#include <cstdint>

namespace zoo {

inline constexpr std::int64_t kPublishedN = 96;
inline constexpr std::int64_t kPublishedK = 256;
inline constexpr std::int64_t kPublishedRows[] = {5, 0, 17};

}  // namespace zoo
