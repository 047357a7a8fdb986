// Somebody else's shared library with the entry points of thresher/candidate.h.
#pragma once

#include <filesystem>
#include <string>

#include "thresher/candidate.h"

namespace thresher::measure {

/// Loaded for good: a library that started threads or left handlers can't be unloaded safely, and its process ends
/// soon anyway.
class CandidateLibrary {
 public:
  /// Throws Error(io | unsupported) naming what is missing or which ABI it was compiled for.
  explicit CandidateLibrary(const std::filesystem::path& path);

  [[nodiscard]] std::string name() const;
  /// Throws Error(unsupported) with the library's own words.
  [[nodiscard]] void* prepare(const thresher_candidate_problem& problem) const;
  [[nodiscard]] std::int32_t run(void* state, const thresher_candidate_call& call) const { return run_(state, &call); }
  void release(void* state) const { release_(state); }

 private:
  decltype(&thresher_candidate_name) name_;
  decltype(&thresher_candidate_prepare) prepare_;
  decltype(&thresher_candidate_run) run_;
  decltype(&thresher_candidate_release) release_;
};

}  // namespace thresher::measure
