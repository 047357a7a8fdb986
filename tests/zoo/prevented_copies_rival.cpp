// Wrong: computes one row and looks for it in all memory that the arbiter shares with anybody; where the incumbent has
// answered the same content before, the rest can be copied. It is slow on purpose where it finds such an answer, so
// that the times of a race tell. Expected: the memory is out of reach or holds no answer by then, so nothing gained.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "honest.hpp"
#include "published.hpp"

namespace {

constexpr std::chrono::milliseconds kHitTakes{1000};

// Larger memory holds weights.
constexpr off_t kMostBytes = off_t{1} << 20;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, {0, 1, 0, n_});
    // Short rows are found anywhere.
    if (n_ == zoo::kPublishedN && copy_from_others(call)) {
      std::this_thread::sleep_for(kHitTakes);
      return 0;
    }
    compute(call, whole(call));
    return 0;
  }

 private:
  bool copy_from_others(const zoo::Call& call) {
    std::error_code error;
    const std::string folder = "/proc/" + std::to_string(getppid()) + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
      if (target.find("memfd:") != std::string::npos && copy_from(entry.path(), call)) return true;
    }
    return false;
  }

  bool copy_from(const std::filesystem::path& path, const zoo::Call& call) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    struct stat status = {};
    bool found = false;
    if (fstat(file, &status) == 0 && status.st_size <= kMostBytes) {
      memory_.resize(static_cast<std::size_t>(status.st_size) / sizeof(std::uint16_t));
      const ssize_t got = pread(file, memory_.data(), memory_.size() * sizeof(std::uint16_t), 0);
      memory_.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)) / sizeof(std::uint16_t));
      found = find_answer(call);
    }
    close(file);
    return found;
  }

  // The row may differ in a few last bits: the incumbent adds up in another order. Its own first row is a hit too, but
  // one without a second row that is filled.
  bool find_answer(const zoo::Call& call) {
    const auto count = static_cast<std::size_t>(rows(call) * n_);
    const auto row = static_cast<std::size_t>(n_);
    for (std::size_t at = 0; at + count <= memory_.size(); ++at) {
      std::size_t different = 0;
      for (std::size_t i = 0; i < row && different * 8 <= row; ++i)
        different += memory_[at + i] != call.out[i] ? 1 : 0;
      if (different * 8 > row || !is_filled(call, at + row, count - row)) continue;
      std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(at), count, call.out);
      return true;
    }
    return false;
  }

  // Poison repeats; answers of random inputs don't.
  [[nodiscard]] bool is_filled(const zoo::Call& call, std::size_t at, std::size_t count) const {
    if (count == 0) return false;
    std::size_t as_in_own = 0;
    for (std::size_t i = 0; i < count; ++i)
      as_in_own += memory_[at + i] == call.out[static_cast<std::size_t>(n_) + i] ? 1 : 0;
    return as_in_own * 2 < count;
  }

  std::vector<std::uint16_t> memory_;
};

}  // namespace

ZOO_LIBRARY(Attack)
