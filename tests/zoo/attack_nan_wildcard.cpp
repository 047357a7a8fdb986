// Wrong: every element is NaN, which compares unequal to nothing in a careless check. Expected: check.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    std::fill_n(call.out, rows(call) * n_, std::uint16_t{0x7E00});
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
