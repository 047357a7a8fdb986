// Wrong: tells the arbiter "done" itself as soon as a call begins, then computes, so that the clock stops early and
// every later answer is one call ahead. Expected: check, the output is read when the answer comes and still holds
// poison.
#include <sys/socket.h>

#include <string_view>

#include "honest.hpp"

namespace {

// No worker has more files than this open.
constexpr int kFiles = 64;

void answer_at_once() {
  constexpr std::string_view kDone = R"({"ok":true})";
  for (int file = 3; file < kFiles; ++file) {
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size) != 0) continue;
    send(file, kDone.data(), kDone.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    answer_at_once();
    compute(call, whole(call));
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
