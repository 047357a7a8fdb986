// Wrong: takes a NaN scale for the next finite one. Expected: check, on inputs with NaN scales.
#include "honest.hpp"

namespace {

struct NoNan : zoo::Exact {
  static float scale(std::uint8_t code) { return Exact::scale(thresher::e4m3_is_nan(code) ? code & 0xFE : code); }
};

using Attack = zoo::Library<NoNan>;

}  // namespace

ZOO_LIBRARY(Attack)
