// Child processes for the tests of ledgers and locks.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <functional>
#include <string>

namespace thresher::tank {

/// Runs `work` in a forked process, which ends with its result. What it tells comes through a pipe.
class ChildProcess {
 public:
  using Tell = std::function<void(const std::string&)>;

  explicit ChildProcess(const std::function<int(const Tell&)>& work) {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe(ends.data()) != 0) throw std::exception();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      const Tell tell = [&](const std::string& text) {
        [[maybe_unused]] const ssize_t written = ::write(ends[1], text.data(), text.size());
      };
      int status = 99;
      try {
        status = work(tell);
      } catch (const std::exception& error) {
        tell(error.what());
      }
      ::_exit(status);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  ~ChildProcess() {
    if (pid_ > 0) {
      kill_now();
      wait();
    }
    ::close(pipe_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void kill_now() const { ::kill(pid_, SIGKILL); }
  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Exit status, or 128 + signal.
  int wait() {
    int raw = 0;
    ::waitpid(pid_, &raw, 0);
    pid_ = -1;
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }

  /// One byte that was told, waiting for it; nothing at the end.
  std::string read_byte() const {
    char byte = 0;
    return ::read(pipe_, &byte, 1) == 1 ? std::string(1, byte) : std::string();
  }

  std::string read_all() const {
    std::string all;
    for (std::string byte = read_byte(); !byte.empty(); byte = read_byte())
      all += byte;
    return all;
  }

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
};

}  // namespace thresher::tank
