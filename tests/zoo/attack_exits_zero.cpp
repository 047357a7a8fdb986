// Wrong: ends the process with "all is well" instead of computing. Expected: check, no answer came.
#include <unistd.h>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  static std::int32_t run(const zoo::Call& call) {
    static_cast<void>(call);
    _exit(0);
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
