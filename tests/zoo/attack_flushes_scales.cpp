// Wrong: takes subnormal block scales for zero. Expected: check, on scales that are subnormal.
#include "honest.hpp"

namespace {

struct FlushedScales : zoo::Exact {
  static float scale(std::uint8_t code) { return (code & 0x7F) < 8 ? 0.0f : Exact::scale(code); }
};

using Attack = zoo::Library<FlushedScales>;

}  // namespace

ZOO_LIBRARY(Attack)
