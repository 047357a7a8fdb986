// Wrong: asks for real-time scheduling and, where that is refused, for the best priority. Expected: check, the call is
// refused or the change is seen. A user without the right to it gets neither and the library has gained nothing.
#include <sched.h>
#include <sys/resource.h>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  explicit Attack(const thresher_candidate_problem& problem) : Library(problem) {
    const sched_param parameters{.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &parameters) != 0) setpriority(PRIO_PROCESS, 0, -20);
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
