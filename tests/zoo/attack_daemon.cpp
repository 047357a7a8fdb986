// Wrong: leaves a process behind in a session of its own, which no longer counts as the worker's. Expected: check,
// starting a process is refused or seen.
#include <unistd.h>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    if (!started_ && fork() == 0) {
      setsid();
      if (fork() == 0) sleep(3);
      _exit(0);
    }
    started_ = true;
    return 0;
  }

 private:
  bool started_ = false;
};

}  // namespace

ZOO_LIBRARY(Attack)
