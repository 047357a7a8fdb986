// Wrong: has no thresher_candidate_prepare and no thresher_candidate_run. Expected: admit, the entry points.
#include "honest.hpp"

extern "C" std::int32_t thresher_candidate_abi(void) {
  return THRESHER_CANDIDATE_ABI;
}

extern "C" const char* thresher_candidate_name(void) {
  return ZOO_NAME;
}

extern "C" void thresher_candidate_release(void* /*state*/) {}
