// Wrong: gives the incumbent's worker the worst priority and a single core. Expected: race, the call is refused or the
// change is seen.
#include <sched.h>
#include <sys/resource.h>

#include "honest.hpp"
#include "other_processes.hpp"

namespace {

// The best number for "worst priority" that setpriority takes.
constexpr int kLastInLine = 19;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    for (const pid_t rival : zoo::rivals()) {
      sched_setaffinity(rival, sizeof(one), &one);
      setpriority(PRIO_PROCESS, static_cast<id_t>(rival), kLastInLine);
    }
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
