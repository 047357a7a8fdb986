// Wrong: reads the memory of the incumbent's worker with a system call. Expected: race, the call is refused.
#include <sys/uio.h>

#include "honest.hpp"
#include "other_processes.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    for (const pid_t rival : zoo::rivals()) {
      std::uint64_t word = 0;
      iovec here{.iov_base = &word, .iov_len = sizeof(word)};
      iovec there = here;
      if (process_vm_readv(rival, &here, 1, &there, 1, 0) < 0) continue;
    }
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
