// Wrong: takes the activations' global scale of group 0 for every group. Expected: check, on several groups.
#include "honest.hpp"

namespace {

struct FirstScale : zoo::Exact {
  static float a_global_scale(const zoo::Call& call, std::int64_t group) {
    static_cast<void>(group);
    return call.a_global_scales[0];
  }
};

using Attack = zoo::Library<FirstScale>;

}  // namespace

ZOO_LIBRARY(Attack)
