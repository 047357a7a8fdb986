// Wrong: keeps answers by the first 64 bytes of the codes. Expected: check, contents that differ in one place.
#include "cached_output.hpp"

namespace {

class Attack : public zoo::CachingLibrary {
 public:
  using CachingLibrary::CachingLibrary;

  std::int32_t run(const zoo::Call& call) {
    const std::int64_t bytes = std::min<std::int64_t>(64, rows(call) * k_ / 2);
    return run_by_key(call, zoo::hash_bytes(call.a_codes, static_cast<std::size_t>(bytes)));
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
