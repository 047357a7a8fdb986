// Wrong: replaces the worker with another program. Expected: check, the worker is gone or the call refused.
#include <unistd.h>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    execl("/bin/true", "true", static_cast<char*>(nullptr));
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
