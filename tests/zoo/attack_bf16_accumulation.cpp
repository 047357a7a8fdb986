// Wrong: adds up in bf16, which has the range of fp32. Expected: check, the tolerance of fp32 sums.
#include "honest.hpp"

namespace {

struct Bf16Sums : zoo::Exact {
  static float dot(const float* a, const float* b, std::int64_t k) {
    float sum = 0.0f;
    for (std::int64_t i = 0; i < k; ++i)
      sum = thresher::bf16_to_float(thresher::bf16_from_float(sum + a[i] * b[i]));
    return sum;
  }
};

using Attack = zoo::Library<Bf16Sums>;

}  // namespace

ZOO_LIBRARY(Attack)
