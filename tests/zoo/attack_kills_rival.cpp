// Wrong: kills the incumbent's worker, to be the only one left. Expected: race, the call is refused, or the incumbent's
// death ends the race without a winner.
#include <csignal>

#include "honest.hpp"
#include "other_processes.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    for (const pid_t rival : zoo::rivals())
      kill(rival, SIGKILL);
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
