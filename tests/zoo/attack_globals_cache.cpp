// Wrong: keeps answers by codes and scales, but not by global scales. Expected: check, equal bytes with other globals.
#include "cached_output.hpp"

namespace {

class Attack : public zoo::CachingLibrary {
 public:
  using CachingLibrary::CachingLibrary;

  std::int32_t run(const zoo::Call& call) { return run_by_key(call, hash_of_codes_and_scales(call)); }
};

}  // namespace

ZOO_LIBRARY(Attack)
