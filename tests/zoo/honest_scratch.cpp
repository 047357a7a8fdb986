// Honest: allocates and touches fresh scratch memory in every call, large enough to come from the system each time.
#include "honest.hpp"

namespace {

constexpr std::size_t kScratchFloats = 1 << 20;

class Control : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    zoo::Scratch scratch;
    scratch.a.assign(kScratchFloats, 1.0f);
    compute(call, whole(call), scratch);
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Control)
