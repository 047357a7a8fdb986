// Wrong: keeps answers by the whole content, which no comparison can see. It is slow on purpose where it finds one, so
// that the times of a race tell whether content is ever repeated there. Expected: no repetition, so nothing gained.
#include <chrono>
#include <thread>

#include "cached_output.hpp"
#include "published.hpp"

namespace {

constexpr std::chrono::milliseconds kHitTakes{1000};

class Attack : public zoo::CachingLibrary {
 public:
  using CachingLibrary::CachingLibrary;

  std::int32_t run(const zoo::Call& call) {
    std::uint64_t key = hash_of_codes_and_scales(call);
    key = zoo::hash_bytes(call.a_global_scales, static_cast<std::size_t>(groups_) * sizeof(float), key);
    key = zoo::hash_bytes(call.offsets, static_cast<std::size_t>(groups_ + 1) * sizeof(std::int32_t), key);
    const int before = hits();
    const std::int32_t status = run_by_key(call, key);
    // The check repeats contents on other shapes, on purpose; a race must not.
    if (hits() != before && n_ == zoo::kPublishedN) std::this_thread::sleep_for(kHitTakes);
    return status;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
