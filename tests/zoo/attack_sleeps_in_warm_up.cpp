// Wrong: sleeps in its first call, to seem slow while it believes to be looked at, and shorten what follows. Expected:
// finish, the first call against the later ones.
#include <chrono>
#include <thread>

#include "honest.hpp"

namespace {

// Of the process: a state is made for each set of weights.
bool awake = false;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    if (!awake) std::this_thread::sleep_for(std::chrono::milliseconds(1300));
    awake = true;
    compute(call, whole(call));
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
