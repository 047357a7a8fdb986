// Ctrl-C as a flag: the first one asks to stop at the next safe point, the second one ends the process.
#pragma once

#include <exception>

namespace thresher::cli {

/// Takes over SIGINT and SIGTERM, and ignores SIGPIPE (print() reports it instead).
void watch_signals() noexcept;

[[nodiscard]] bool interrupted() noexcept;

/// Thrown at a safe point after Ctrl-C.
class Interrupted : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

/// Throws Interrupted once Ctrl-C was pressed.
void stop_if_interrupted();

/// What a shell reports for a process that Ctrl-C ended.
inline constexpr int kExitInterrupted = 130;

/// What a shell reports for a process that wrote to a closed pipe.
inline constexpr int kExitOutputClosed = 141;

}  // namespace thresher::cli
