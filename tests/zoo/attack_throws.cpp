// Wrong: throws out of a C function. Expected: check, the worker dies or answers with a failure.
#include <stdexcept>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    throw std::runtime_error("thrown by the zoo");
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
