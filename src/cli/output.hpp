// Standard output, with its failures noticed: a full disk is an error, a reader that left is not.
#pragma once

#include <exception>
#include <string_view>

namespace thresher::cli {

/// The reader of standard output is gone (`thresher bench | head -1`): stop quietly.
class OutputClosed : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "standard output was closed by its reader"; }
};

/// Writes and flushes. Throws OutputClosed, or Error(io) when standard output cannot take it.
void print(std::string_view text);

/// print() of the text and a line end.
void print_line(std::string_view text);

}  // namespace thresher::cli
