// Wrong: adds blocks of 16 in fp32, then rounds each block's sum to bf16: far subtler than sums in bf16. Expected:
// check, the tolerance of fp32 sums.
#include "honest.hpp"

namespace {

struct Bf16Blocks : zoo::Exact {
  static float dot(const float* a, const float* b, std::int64_t k) {
    float sum = 0.0f;
    for (std::int64_t i = 0; i < k; i += 16)
      sum += thresher::bf16_to_float(thresher::bf16_from_float(Exact::dot(a + i, b + i, 16)));
    return sum;
  }
};

using Attack = zoo::Library<Bf16Blocks>;

}  // namespace

ZOO_LIBRARY(Attack)
