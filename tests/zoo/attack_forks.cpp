// Wrong: leaves a process behind that outlives the call. Expected: check, starting a process is refused or seen.
#include <unistd.h>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    if (fork() == 0) {
      // Short, so that one that gets away does not stay for long.
      sleep(3);
      _exit(0);
    }
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
