// Writing to standard output: every write is flushed, so that a result that was printed is never lost.
#include "cli/output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "thresher/error.hpp"

namespace thresher::cli {

void print(std::string_view text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) {
    return;
  }
  // A closed descriptor (`thresher devices >&-`) fails with EBADF: nobody reads there either.
  if (errno == EPIPE || errno == EBADF) {
    throw OutputClosed();
  }
  throw Error(ErrorCode::io, std::string("cannot write to standard output: ") + std::strerror(errno));
}

void print_line(std::string_view text) {
  std::string line(text);
  line += '\n';
  print(line);
}

}  // namespace thresher::cli
