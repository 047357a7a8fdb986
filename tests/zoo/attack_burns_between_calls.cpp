// Wrong: a thread burns CPU while no call runs, to slow the incumbent. Expected: a thread that runs between calls, seen
// in check or at the end of the race.
#include <atomic>
#include <thread>

#include "honest.hpp"

namespace {

std::atomic<bool> busy = false;

void burn() {
  for (;;) {
    if (busy) std::this_thread::yield();
  }
}

class Attack : public zoo::Library<> {
 public:
  explicit Attack(const thresher_candidate_problem& problem) : Library(problem) {
    // One of the process: a state is made for each of hundreds of sets of weights.
    static const bool started = [] {
      std::thread(burn).detach();
      return true;
    }();
    static_cast<void>(started);
  }

  std::int32_t run(const zoo::Call& call) {
    busy = true;
    compute(call, whole(call));
    busy = false;
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
