// Wrong: sends its parent a signal. SIGWINCH, which ends nobody, stands for SIGKILL. Expected: check, the call is
// refused or seen.
#include <unistd.h>

#include <csignal>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    kill(getppid(), SIGWINCH);
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
