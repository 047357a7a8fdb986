// What is raced: a config of our own kernels, or somebody else's host code.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "thresher/config.hpp"

namespace thresher::measure {

enum class CandidateKind {
  config,   ///< knobs of our own kernels: device code that is trusted
  library,  ///< a shared library with the entry points of thresher/candidate.h: host code, never trusted
};

const char* to_string(CandidateKind kind) noexcept;

struct Candidate {
  std::string name;
  CandidateKind kind = CandidateKind::config;
  CpuConfig config;               // kind config: what is left automatic is chosen per problem
  std::filesystem::path library;  // kind library

  /// What the ledger knows this candidate by: the text of the config, or the bytes of the library.
  [[nodiscard]] std::string content() const;
};

/// "dequant_stages=2,..." is a config, a path that ends in .so a library. Throws Error(parse | io).
Candidate candidate_from_text(std::string_view text);

/// Why a candidate has no number. A candidate that fails is a value, not an Error.
enum class FailureKind {
  invalid,     ///< a wrong answer, a touched input, a rule broken
  impossible,  ///< faster than this machine's measured ceilings allow
  error,       ///< it could not run, crashed, hung or broke off
};

const char* to_string(FailureKind kind) noexcept;

struct Failure {
  FailureKind kind = FailureKind::error;
  std::string reason;  // one sentence with the figures
};

}  // namespace thresher::measure
