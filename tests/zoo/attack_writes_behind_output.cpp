// Wrong: writes the element behind the output too, as a store of a whole vector does. Expected: check, the fence.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    call.out[rows(call) * n_] = 0;
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
