// Wrong: keeps answers by all codes, but not by scales. Expected: check, contents that differ in one scale.
#include "cached_output.hpp"

namespace {

class Attack : public zoo::CachingLibrary {
 public:
  using CachingLibrary::CachingLibrary;

  std::int32_t run(const zoo::Call& call) { return run_by_key(call, hash_of_codes(call)); }
};

}  // namespace

ZOO_LIBRARY(Attack)
