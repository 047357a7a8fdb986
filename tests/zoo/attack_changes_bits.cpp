// Wrong: adds up in another order in every second call, as threads that race for a lock do. Each answer is within the
// tolerance. Expected: check, equal inputs must give equal bits.
#include "honest.hpp"

namespace {

bool is_odd_call = false;

struct Wavering : zoo::Exact {
  static float dot(const float* a, const float* b, std::int64_t k) {
    if (is_odd_call) return Exact::dot(a, b, k);
    float sum = 0.0f;
    for (std::int64_t i = k - 1; i >= 0; --i)
      sum += a[i] * b[i];
    return sum;
  }
};

class Attack : public zoo::Library<Wavering> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    is_odd_call = !is_odd_call;
    return Library::run(call);
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
