// Wrong: writes through a null pointer. Expected: check, the worker dies of a signal.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    volatile std::uint16_t* volatile nowhere = nullptr;
    *nowhere = 0;
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
