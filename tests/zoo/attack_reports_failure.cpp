// Wrong: computes everything and says that it failed. Expected: check, a result that is not 0.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    return 1;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
