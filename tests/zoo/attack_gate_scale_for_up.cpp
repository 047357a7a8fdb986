// Wrong: multiplies the up product with the gate's global scale. Expected: check, on gated problems.
#include "honest.hpp"

namespace {

struct GateScale : zoo::Exact {
  static float up_global_scale(const zoo::Matrix& gate, const zoo::Matrix& up) {
    static_cast<void>(up);
    return gate.global_scale;
  }
};

using Attack = zoo::Library<GateScale>;

}  // namespace

ZOO_LIBRARY(Attack)
