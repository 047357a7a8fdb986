// flock() on a file of its own: never on the database, whose own locks would fall when a second descriptor is closed.
#include "tank/ledger_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw Error(ErrorCode::io, fmt::format("cannot make the lock '{}': {}; make its folder writable", path.string(),
                                         std::generic_category().message(error)));
}

std::string text_of(int file) {
  std::array<char, 512> buffer = {};
  const ssize_t got = ::pread(file, buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  text.erase(text.find_last_not_of("\n ") + 1);
  return text.empty() ? "another process" : text;
}

// Whoever held the lock may have removed the file between our open and our lock: then it is nobody's lock.
bool is_still_there(int file, const std::filesystem::path& path) {
  struct stat ours = {};
  struct stat now = {};
  return ::fstat(file, &ours) == 0 && ::stat(path.c_str(), &now) == 0 && ours.st_ino == now.st_ino &&
         ours.st_dev == now.st_dev;
}

void write_holder(int file, const std::string& what) {
  const std::string text = fmt::format("process {}, {}\n", ::getpid(), what);
  // The text is for people; a disk too full for it does not make the lock less held.
  if (::ftruncate(file, 0) == 0) {
    [[maybe_unused]] const ssize_t ignored = ::pwrite(file, text.data(), text.size(), 0);
  }
}

}  // namespace

int take_lock_file(const std::filesystem::path& path, const std::string& what, bool wait, std::string* holder) {
  std::error_code error;
  if (path.has_parent_path()) {
    std::filesystem::create_directories(path.parent_path(), error);
  }
  while (true) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
      fail(path, errno);
    }
    int locked = 0;
    do {
      locked = ::flock(file, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
    } while (locked != 0 && errno == EINTR);
    const int reason = errno;
    if (locked == 0 && is_still_there(file, path)) {
      write_holder(file, what);
      return file;
    }
    if (locked != 0 && reason == EWOULDBLOCK && holder != nullptr) {
      *holder = text_of(file);
    }
    ::close(file);
    if (locked != 0 && reason == EWOULDBLOCK) {
      return -1;
    }
    if (locked != 0) {
      fail(path, reason);
    }
  }
}

void release_lock_file(int file, const std::filesystem::path* remove) noexcept {
  if (file < 0) {
    return;
  }
  if (remove != nullptr) {
    ::unlink(remove->c_str());
  } else {
    [[maybe_unused]] const int ignored = ::ftruncate(file, 0);
  }
  // NOTE: not only close(): a child process that was forked meanwhile may share the descriptor.
  ::flock(file, LOCK_UN);
  ::close(file);
}

}  // namespace thresher::tank
