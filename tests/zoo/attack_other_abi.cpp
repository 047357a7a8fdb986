// Wrong: was made for another version of the entry points. Expected: admit, the number of the ABI.
#include "honest.hpp"

namespace {

using Attack = zoo::Library<>;

}  // namespace

extern "C" std::int32_t thresher_candidate_abi(void) {
  return THRESHER_CANDIDATE_ABI + 1;
}

ZOO_LIBRARY_BUT_ABI(Attack)
