// Wrong: never returns. Expected: check, the time limit of a call.
#include <unistd.h>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  static std::int32_t run(const zoo::Call& call) {
    static_cast<void>(call);
    for (;;)
      pause();
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
