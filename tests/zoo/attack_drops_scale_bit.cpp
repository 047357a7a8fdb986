// Wrong: ignores the lowest bit of every block scale. Expected: check, comparison with the reference.
#include "honest.hpp"

namespace {

struct CoarseScales : zoo::Exact {
  static float scale(std::uint8_t code) {
    return thresher::e4m3_is_nan(code) ? Exact::scale(code) : Exact::scale(code & 0xFE);
  }
};

using Attack = zoo::Library<CoarseScales>;

}  // namespace

ZOO_LIBRARY(Attack)
