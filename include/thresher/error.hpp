// The one exception type of the library and the codes that tell its causes apart.
#pragma once

#include <stdexcept>
#include <string>

namespace thresher {

/// Why a call was refused. The numbers are part of the C ABI: append, never renumber.
enum class ErrorCode : int {
  invalid_argument = 1,  ///< The caller passed a value that no device could accept.
  unsupported = 2,       ///< Valid, but not on this device, instruction set or build.
  out_of_memory = 3,     ///< An allocation failed, or a size does not fit the address space.
  io = 4,                ///< A file could not be read or written.
  parse = 5,             ///< A file or text was read but its content is not what it must be.
  environment = 6,       ///< An environment variable or the machine itself is in the way.
  internal = 7,          ///< A broken invariant: please report it.
};

/// Stable lower-case name of a code, e.g. "invalid_argument".
const char* to_string(ErrorCode code) noexcept;

/// Misuse or environment. The message holds the offending value and the way out.
/// A candidate kernel that fails is a value, not an Error.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace thresher
