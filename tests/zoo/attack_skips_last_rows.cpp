// Wrong: leaves out the last row of every group that has more than one. Expected: check, the poison is still there.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    for (std::int64_t group = 0; group < groups_; ++group) {
      const std::int64_t first = call.offsets[group];
      const std::int64_t end = call.offsets[group + 1];
      compute(call, {first, end - first > 1 ? end - 1 : end, 0, n_});
    }
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
