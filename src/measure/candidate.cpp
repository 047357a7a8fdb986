// Candidates from text, and the names of what can become of them.
#include "measure/candidate.hpp"

#include <string_view>

#include "device/files.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {

const char* to_string(CandidateKind kind) noexcept {
  return kind == CandidateKind::library ? "library" : "config";
}

const char* to_string(FailureKind kind) noexcept {
  switch (kind) {
    case FailureKind::invalid:
      return "invalid";
    case FailureKind::impossible:
      return "impossible";
    case FailureKind::error:
      break;
  }
  return "error";
}

std::string Candidate::content() const {
  return kind == CandidateKind::config ? to_text(config) : device::read_whole_file(library);
}

Candidate candidate_from_text(std::string_view text) {
  Candidate candidate;
  candidate.name = text.empty() ? "automatic" : text;
  const std::filesystem::path path(text);
  if (path.extension() != ".so") {
    candidate.config = cpu_config_from_text(text);
    return candidate;
  }
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) {
    throw Error(ErrorCode::io, "there is no library '" + path.string() +
                                   "'; give the path of a shared library, or a config such as dequant_stages=2");
  }
  candidate.kind = CandidateKind::library;
  candidate.name = path.stem().string();
  // NOTE: dlopen() searches the system's folders for a name without a slash.
  candidate.library = std::filesystem::canonical(path);
  return candidate;
}

}  // namespace thresher::measure
