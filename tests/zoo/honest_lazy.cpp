// Honest: its first call packs the weights and takes long, which is its own loss: every call is timed and checked.
#include <chrono>
#include <thread>

#include "honest.hpp"

namespace {

constexpr std::chrono::milliseconds kFirstCall{50};

class Control : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    if (!ready_) std::this_thread::sleep_for(kFirstCall);
    ready_ = true;
    compute(call, whole(call));
    return 0;
  }

 private:
  bool ready_ = false;
};

}  // namespace

ZOO_LIBRARY(Control)
