// Wrong: adds up in fp16, after moving the sum to where fp16 is at its best. Expected: check, the tolerance of fp32
// sums.
#include "honest.hpp"

namespace {

// Sums of magnitudes below this stay finite in fp16 and far from its subnormals.
constexpr int kHeadroom = 14;

struct Fp16Sums : zoo::Exact {
  static float dot(const float* a, const float* b, std::int64_t k) {
    float reach = 0.0f;
    for (std::int64_t i = 0; i < k; ++i)
      reach += std::fabs(a[i] * b[i]);
    if (!(reach > 0.0f)) return reach;
    const int shift = kHeadroom - std::ilogb(reach);
    float sum = 0.0f;
    for (std::int64_t i = 0; i < k; ++i)
      sum = thresher::fp16_to_float(thresher::fp16_from_float(sum + std::ldexp(a[i] * b[i], shift)));
    return std::ldexp(sum, -shift);
  }
};

using Attack = zoo::Library<Fp16Sums>;

}  // namespace

ZOO_LIBRARY(Attack)
