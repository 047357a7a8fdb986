// dlopen() and the five entry points.
#include "measure/worker_library.hpp"

#include <dlfcn.h>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

// Longer names and reasons are cut: they end up in tables, and their author is not trusted.
constexpr std::size_t kMostText = 300;

std::string text_of(const char* text) {
  std::string copy;
  for (std::size_t i = 0; text != nullptr && i < kMostText && text[i] != '\0'; ++i) {
    copy += text[i] >= ' ' && text[i] <= '~' ? text[i] : ' ';
  }
  return copy;
}

template <typename Function>
Function find(void* library, const std::filesystem::path& path, const char* symbol) {
  void* found = dlsym(library, symbol);
  if (found == nullptr) {
    throw Error(ErrorCode::unsupported, "library '" + path.string() + "' does not export " + symbol +
                                            "; see docs/candidates.md for the functions that it needs");
  }
  return reinterpret_cast<Function>(found);
}

}  // namespace

CandidateLibrary::CandidateLibrary(const std::filesystem::path& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(ErrorCode::io, "library '" + path.string() + "' can't be loaded: " + text_of(dlerror()) +
                                   "; build it as a shared library for this machine");
  }
  const auto abi = find<decltype(&thresher_candidate_abi)>(library, path, "thresher_candidate_abi");
  name_ = find<decltype(&thresher_candidate_name)>(library, path, "thresher_candidate_name");
  prepare_ = find<decltype(&thresher_candidate_prepare)>(library, path, "thresher_candidate_prepare");
  run_ = find<decltype(&thresher_candidate_run)>(library, path, "thresher_candidate_run");
  release_ = find<decltype(&thresher_candidate_release)>(library, path, "thresher_candidate_release");
  const std::int32_t version = abi();
  if (version != THRESHER_CANDIDATE_ABI) {
    throw Error(ErrorCode::unsupported, "library '" + path.string() + "' was compiled for ABI " +
                                            std::to_string(version) + ", this is ABI " +
                                            std::to_string(THRESHER_CANDIDATE_ABI) +
                                            "; compile it with the thresher/candidate.h of this version");
  }
}

std::string CandidateLibrary::name() const {
  return text_of(name_());
}

void* CandidateLibrary::prepare(const thresher_candidate_problem& problem) const {
  const char* error = nullptr;
  void* state = prepare_(&problem, &error);
  if (state == nullptr) {
    const std::string reason = text_of(error);
    throw Error(ErrorCode::unsupported,
                "prepare refused the problem: " + (reason.empty() ? "no reason given" : reason));
  }
  return state;
}

}  // namespace thresher::measure
