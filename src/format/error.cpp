// Names of the error codes.
#include "thresher/error.hpp"

namespace thresher {

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::io:
      return "io";
    case ErrorCode::parse:
      return "parse";
    case ErrorCode::environment:
      return "environment";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

}  // namespace thresher
