// Wrong: keeps answers by the page that the activations lie in. Expected: check, new content at a known place.
#include "cached_output.hpp"

namespace {

class Attack : public zoo::CachingLibrary {
 public:
  using CachingLibrary::CachingLibrary;

  std::int32_t run(const zoo::Call& call) {
    return run_by_key(call, reinterpret_cast<std::uintptr_t>(call.a_codes) >> 12);
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
