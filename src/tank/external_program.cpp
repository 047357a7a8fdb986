// Runs somebody else's executable: fed, read, timed and killed, so that nothing it does can hold up a round.
//
// Its input is an unlinked file in memory, so feeding can neither deadlock nor raise SIGPIPE. It leads a process group
// of its own, which is killed when time is up, when it says too much, and when the leader has ended: nothing that it
// started outlives it. The leader is reaped last, so that its number cannot have become somebody else's by then.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>

#include "tank/external.hpp"
#include "tank/external_reply.hpp"

namespace thresher::tank {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 1'000'000;
// Of what it says about its own failure the end matters: the last line of a traceback names the exception.
constexpr std::size_t kKeptError = 400;
// How often the leader's end is looked for while something it started holds its output open.
constexpr int kLookMilliseconds = 50;
// The same once both outputs are closed: then the leader is about to end.
constexpr int kLookAtEndMilliseconds = 2;

class Failed : public std::exception {
 public:
  explicit Failed(std::string reason) : reason_(std::move(reason)) {}
  [[nodiscard]] const char* what() const noexcept override { return reason_.c_str(); }

 private:
  std::string reason_;
};

std::string system_reason(int error) {
  return std::generic_category().message(error);
}

class Descriptor {
 public:
  Descriptor() = default;
  // Moved above 2: dup2() onto a standard descriptor must not hit another one that is still to be passed on.
  explicit Descriptor(int value) {
    value_ = value >= 0 && value <= 2 ? ::fcntl(value, F_DUPFD_CLOEXEC, 3) : value;
    if (value != value_) ::close(value);
    if (value_ < 0) throw Failed("no descriptor is left: " + system_reason(errno));
  }
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  [[nodiscard]] int get() const { return value_; }
  void close() {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
  }

 private:
  int value_ = -1;
};

Descriptor file_of(const std::string& input) {
  Descriptor file(::memfd_create("thresher-brief", MFD_CLOEXEC));
  std::size_t done = 0;
  while (done < input.size()) {
    const ssize_t written = ::write(file.get(), input.data() + done, input.size() - done);
    if (written < 0 && errno != EINTR) throw Failed("its brief cannot be written: " + system_reason(errno));
    done += written > 0 ? static_cast<std::size_t>(written) : 0;
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

struct Pipe {
  Descriptor read;
  Descriptor write;

  Pipe() {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Failed("no pipe is left: " + system_reason(errno));
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
    ::fcntl(read.get(), F_SETFL, O_NONBLOCK);
  }
};

struct SpawnActions {
  posix_spawn_file_actions_t files = {};
  posix_spawnattr_t attributes = {};

  SpawnActions() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
};

pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& folder, int in, int out, int err) {
  SpawnActions actions;
  posix_spawn_file_actions_addchdir_np(&actions.files, folder.empty() ? "." : folder.c_str());
  posix_spawn_file_actions_adddup2(&actions.files, in, 0);
  posix_spawn_file_actions_adddup2(&actions.files, out, 1);
  posix_spawn_file_actions_adddup2(&actions.files, err, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions.files, 3);
  // Signals as a shell would give them: we may ignore SIGPIPE or block others, which exec() hands down.
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&actions.attributes, &all);
  posix_spawnattr_setsigmask(&actions.attributes, &none);
  posix_spawnattr_setpgroup(&actions.attributes, 0);
  posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, words.front().c_str(), &actions.files, &actions.attributes, arguments.data(), environ);
  if (error != 0) {
    throw Failed(fmt::format("cannot be run: {}", system_reason(error)));
  }
  return pid;
}

// The process and its group; both are gone when this is.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() { static_cast<void>(end()); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Without reaping it. True also when somebody ignores SIGCHLD, so that the kernel reaps by itself.
  [[nodiscard]] bool has_ended() const {
    siginfo_t info = {};
    const int result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return result != 0 ? errno == ECHILD : info.si_pid == pid_;
  }

  void kill_group() const { ::kill(-pid_, SIGKILL); }

  // Kills what is left and reaps the leader. Its status as waitpid() gives it, or nothing when it was lost.
  std::optional<int> end() {
    if (pid_ < 0) return std::nullopt;
    kill_group();
    int status = 0;
    pid_t reaped = -1;
    do {
      reaped = ::waitpid(pid_, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    const bool known = reaped == pid_;
    pid_ = -1;
    return known ? std::optional<int>(status) : std::nullopt;
  }

 private:
  pid_t pid_;
};

// Reads what is there now into `text` and closes the pipe at its end. Returns the number of bytes.
std::size_t read_some(Descriptor& pipe, std::string& text) {
  std::array<char, 1 << 16> buffer;
  const ssize_t got = ::read(pipe.get(), buffer.data(), buffer.size());
  if (got > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
    return static_cast<std::size_t>(got);
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    pipe.close();
  }
  return 0;
}

void keep_end(std::string& text) {
  if (text.size() > kKeptError) {
    text.erase(0, text.size() - kKeptError);
  }
}

struct Outputs {
  Descriptor out;
  Descriptor err;
  std::string out_text;
  std::string err_text;

  [[nodiscard]] bool too_much() const { return out_text.size() > kMostOutput; }

  std::size_t read() {
    std::size_t bytes = 0;
    if (out.get() >= 0) bytes += read_some(out, out_text);
    if (err.get() >= 0) bytes += read_some(err, err_text);
    keep_end(err_text);
    return bytes;
  }

  void wait(std::chrono::milliseconds remaining) const {
    // poll() passes over negative descriptors.
    std::array<pollfd, 2> both = {{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}}};
    const int look = out.get() < 0 && err.get() < 0 ? kLookAtEndMilliseconds : kLookMilliseconds;
    ::poll(both.data(), both.size(), static_cast<int>(std::clamp<std::int64_t>(remaining.count(), 0, look)));
  }

  // What the pipes still hold. Bounded: a process that left the group might go on writing.
  void drain() {
    std::size_t bytes = 0;
    while (bytes <= kMostOutput && !too_much()) {
      const std::size_t got = read();
      if (got == 0) return;
      bytes += got;
    }
  }
};

void wait_for_end(const Child& child, Outputs& outputs, double seconds) {
  // An hour is forever for a reply, and keeps the arithmetic of the clock within its range.
  const auto limit =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 3600.0)));
  const Clock::time_point deadline = Clock::now() + limit;
  while (true) {
    const bool ended = child.has_ended();
    if (ended) {
      child.kill_group();
      outputs.drain();
    }
    if (outputs.too_much()) {
      throw Failed(fmt::format("wrote more than {} bytes, so it was killed", kMostOutput));
    }
    if (ended) {
      return;
    }
    const auto remaining = deadline - Clock::now();
    if (remaining <= Clock::duration::zero()) {
      throw Failed(fmt::format("took longer than {:g} s, so it was killed", seconds));
    }
    outputs.wait(std::chrono::ceil<std::chrono::milliseconds>(remaining));
    outputs.read();
  }
}

std::string failure_of(std::optional<int> status, const std::string& said) {
  std::string failure;
  if (!status) {
    failure = "ended with a status that the system did not keep";
  } else if (WIFSIGNALED(*status)) {
    failure = fmt::format("was ended by signal {}", WTERMSIG(*status));
  } else if (WEXITSTATUS(*status) != 0) {
    failure = fmt::format("ended with status {}", WEXITSTATUS(*status));
  } else {
    return "";
  }
  const std::string last = clean_text(said, kKeptError);
  return last.empty() ? failure : failure + ": " + last;
}

}  // namespace

ProgramOutput run_program(const std::vector<std::string>& command, const std::filesystem::path& folder,
                          const std::string& input, double seconds) {
  ProgramOutput output;
  try {
    if (command.empty() || command.front().empty()) throw Failed("cannot be run: its command is empty");
    if (!(seconds > 0)) throw Failed(fmt::format("cannot be run: its time limit is {} s; give one above 0", seconds));
    if (!folder.empty() && !std::filesystem::is_directory(folder)) {
      throw Failed(fmt::format("cannot be run: there is no folder '{}'", folder.string()));
    }
    Outputs outputs;
    std::optional<Child> child;
    {
      const Descriptor in = file_of(input);
      Pipe out;
      Pipe err;
      child.emplace(spawn(command, folder, in.get(), out.write.get(), err.write.get()));
      outputs.out = std::move(out.read);
      outputs.err = std::move(err.read);
    }
    wait_for_end(*child, outputs, seconds);
    output.failure = failure_of(child->end(), outputs.err_text);
    output.out = std::move(outputs.out_text);
  } catch (const std::exception& failed) {
    output.failure = failed.what();
  }
  return output;
}

}  // namespace thresher::tank
