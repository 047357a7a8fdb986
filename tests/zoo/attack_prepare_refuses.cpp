// Wrong: accepts no problem. Expected: admit, with the library's own words.
#include "honest.hpp"

extern "C" std::int32_t thresher_candidate_abi(void) {
  return THRESHER_CANDIDATE_ABI;
}

extern "C" const char* thresher_candidate_name(void) {
  return ZOO_NAME;
}

extern "C" void* thresher_candidate_prepare(const thresher_candidate_problem* /*problem*/, const char** error) {
  *error = "no problem is good enough";
  return nullptr;
}

extern "C" std::int32_t thresher_candidate_run(void* /*state*/, const thresher_candidate_call* /*call*/) {
  return 0;
}

extern "C" void thresher_candidate_release(void* /*state*/) {}
