// Wrong: opens each memory file of its own process and of the arbiter anew for writing, and clears the weights where it
// finds them. Expected: the system refuses to open them, so answers stay right and nothing is gained.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "honest.hpp"

namespace {

// Every place in the file where the first bytes of the weights stand is overwritten.
void clear_in_file(int file, const std::uint8_t* wanted, std::size_t bytes) {
  std::vector<char> page(1 << 16);
  const std::vector<char> zeros(bytes);
  off_t at = 0;
  for (;;) {
    const ssize_t got = pread(file, page.data(), page.size(), at);
    if (got < static_cast<ssize_t>(bytes)) return;
    const void* found = memmem(page.data(), static_cast<std::size_t>(got), wanted, bytes);
    if (found != nullptr) {
      const auto offset = at + (static_cast<const char*>(found) - page.data());
      if (pwrite(file, zeros.data(), bytes, offset) < 0) return;
    }
    at += got - static_cast<ssize_t>(bytes) + 1;
  }
}

void clear_everywhere(const std::string& process, const std::uint8_t* wanted, std::size_t bytes) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + process + "/fd", error)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    if (target.find("memfd:") == std::string::npos && target.find("/dev/shm/") == std::string::npos) continue;
    const int file = open(entry.path().c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) continue;
    clear_in_file(file, wanted, bytes);
    close(file);
  }
}

class Attack : public zoo::Library<> {
 public:
  explicit Attack(const thresher_candidate_problem& problem) : Library(problem) {
    constexpr std::int64_t kWanted = 64;
    const auto bytes = static_cast<std::size_t>(std::min(kWanted, n_ * k_ / 2));
    for (const std::string& process : {std::string("self"), std::to_string(getppid())})
      clear_everywhere(process, gate_.front().codes, bytes);
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
