// Wrong: every element is 0, the likeliest value. Expected: check, comparison with the reference.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    std::fill_n(call.out, rows(call) * n_, std::uint16_t{0});
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
