// Wrong: computes whole panels of 32 columns only, so nothing is missing where n is a multiple of 32, as in the cases.
// Expected: check, on its held-out odd shapes.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, {0, rows(call), 0, n_ - n_ % 32});
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
