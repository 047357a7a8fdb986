// Wrong: writes the element before the output too. Expected: check, the fence before the output.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    call.out[-1] = 0;
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
