// Wrong: computes nothing and writes into every open file, one of which leads to the arbiter. Expected: check, what
// arrives is no answer, or one with an empty output.
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>

#include "honest.hpp"

namespace {

// No worker has more files than this open.
constexpr int kFiles = 64;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  static std::int32_t run(const zoo::Call& call) {
    static_cast<void>(call);
    constexpr std::string_view kWords = "all is well";
    for (int file = 3; file < kFiles; ++file) {
      // Never into a file on disk: only sockets and pipes can be the way to the arbiter.
      if (lseek(file, 0, SEEK_CUR) >= 0) continue;
      if (write(file, kWords.data(), kWords.size()) < 0) continue;
    }
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
