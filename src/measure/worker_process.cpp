// posix_spawn(), signals and waitpid().
#include "measure/worker_process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "measure/worker.hpp"
#include "thresher/error.hpp"

extern char** environ;  // NOLINT: declared by no header

namespace thresher::measure {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The environment of this process, with idle OpenMP threads asleep: spinning, they would take cores from the other
// side, and look like work done between calls.
std::vector<std::string> worker_environment() {
  std::vector<std::string> variables = {"OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const bool replaced = text.starts_with("OMP_WAIT_POLICY=") || text.starts_with("GOMP_SPINCOUNT=");
    if (!replaced) variables.emplace_back(text);
  }
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

struct SpawnSetup {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  SpawnSetup() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
};

pid_t spawn(const std::filesystem::path& program, int socket) {
  SpawnSetup setup;
  // What a candidate prints is nobody's answer.
  posix_spawn_file_actions_addopen(&setup.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&setup.files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&setup.files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  // NOTE: duplicating onto the same number keeps the close-on-exec flag in older C libraries, so go around.
  FileDescriptor away(fcntl(socket, F_DUPFD_CLOEXEC, kWorkerSocket + 1));
  posix_spawn_file_actions_adddup2(&setup.files, away.get(), kWorkerSocket);
  // A group of its own: Ctrl-C reaches the arbiter alone, and SIGSTOP the whole side. Signals as a new program has
  // them.
  sigset_t none;
  sigset_t every;
  sigemptyset(&none);
  sigfillset(&every);
  posix_spawnattr_setflags(&setup.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&setup.attributes, 0);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setsigdefault(&setup.attributes, &every);

  std::vector<std::string> arguments = {"thresher", kWorkerCommand, "--socket", std::to_string(kWorkerSocket)};
  std::vector<std::string> variables = worker_environment();
  const std::string path = program.empty() ? "/proc/self/exe" : program.string();
  pid_t pid = -1;
  const int status = posix_spawn(&pid, path.c_str(), &setup.files, &setup.attributes, pointers(arguments).data(),
                                 pointers(variables).data());
  if (status != 0) {
    throw Error(ErrorCode::environment, fmt::format("cannot start a worker from '{}': {}; free memory or end processes",
                                                    path, std::strerror(status)));
  }
  return pid;
}

// Fields of /proc/PID/stat from the third on; the second, a name in brackets, may hold anything.
std::vector<std::string> stat_fields(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t bracket = line.rfind(')');
  std::vector<std::string> fields;
  if (bracket == std::string::npos) return fields;
  std::istringstream rest(line.substr(bracket + 1));
  for (std::string field; rest >> field;)
    fields.push_back(field);
  return fields;
}

const char* signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? name : "unknown";
}

}  // namespace

WorkerProcess::WorkerProcess(const std::filesystem::path& program) : channel_(FileDescriptor()) {
  auto [channel, other] = Channel::make_pair();
  pid_ = spawn(program, other.get());
  channel_ = std::move(channel);
}

WorkerProcess::~WorkerProcess() {
  kill_and_reap();
}

void WorkerProcess::kill_and_reap() noexcept {
  if (ended_) return;
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);  // its group does not exist before it ran
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  note_end(status);
}

void WorkerProcess::note_end(int status) {
  ended_ = true;
  end_status_ = status;
  kill(-pid_, SIGKILL);  // whoever it left behind in its group
}

std::string WorkerProcess::describe_end() const {
  if (WIFSIGNALED(end_status_)) {
    const int signal = WTERMSIG(end_status_);
    if (signal == SIGSYS) return "made a system call that candidates must not make (SIGSYS)";
    return fmt::format("was killed by SIG{} ({})", signal_name(signal), strsignal(signal));
  }
  return fmt::format("ended with exit status {} in the middle of a request", WEXITSTATUS(end_status_));
}

Answer WorkerProcess::lost(Answer answer) {
  if (!ended_) {
    // The socket closes a moment before the process can be waited for.
    int status = 0;
    constexpr int kTries = 200;
    for (int i = 0; i < kTries && !ended_; ++i) {
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        note_end(status);
      } else {
        usleep(1000);
      }
    }
  }
  if (!ended_) {
    kill_and_reap();
    answer.why = "closed its socket";
    return answer;
  }
  answer.forbidden = WIFSIGNALED(end_status_) && WTERMSIG(end_status_) == SIGSYS;
  answer.why = describe_end();
  return answer;
}

Answer WorkerProcess::request(const nlohmann::json& content, double timeout_seconds, std::span<const int> fds) {
  Answer answer;
  if (ended_) {
    answer.why = describe_end();
    return answer;
  }
  const Clock::time_point start = Clock::now();
  const bool sent = channel_.send(content, fds);
  Received received;
  if (sent) received = channel_.receive(timeout_seconds);
  answer.seconds = seconds_since(start);
  switch (received.status) {
    case ReceiveStatus::closed:
      return lost(std::move(answer));
    case ReceiveStatus::timeout:
      kill_and_reap();
      answer.why = fmt::format("did not answer within {:.3g} s", timeout_seconds);
      return answer;
    case ReceiveStatus::garbled:
      kill_and_reap();
      answer.why = "sent an answer that is no message";
      return answer;
    case ReceiveStatus::message:
      break;
  }
  nlohmann::json& reply = received.message.content;
  const auto ok = reply.find("ok");
  if (ok != reply.end() && ok->is_boolean() && ok->get<bool>()) {
    answer.content = std::move(reply);
    return answer;
  }
  const auto error = reply.find("error");
  answer.why = error != reply.end() && error->is_string() ? error->get<std::string>() : "gave no reason";
  return answer;
}

void WorkerProcess::freeze() {
  if (ended_ || frozen_) return;
  frozen_ = true;
  kill(-pid_, SIGSTOP);
  int status = 0;
  for (;;) {
    const pid_t got = waitpid(pid_, &status, WUNTRACED);
    if (got < 0 && errno == EINTR) continue;
    if (got == pid_ && !WIFSTOPPED(status)) note_end(status);
    return;
  }
}

void WorkerProcess::thaw() {
  if (!ended_) kill(-pid_, SIGCONT);
  frozen_ = false;
}

bool WorkerProcess::spoke_unasked() {
  return !ended_ && channel_.receive(0.0).status != ReceiveStatus::timeout;
}

std::optional<double> WorkerProcess::cpu_seconds() const {
  constexpr std::size_t kUser = 11;
  constexpr std::size_t kSystem = 12;
  const std::vector<std::string> fields = stat_fields(std::to_string(pid_));
  if (ended_ || fields.size() <= kSystem) return std::nullopt;
  const double ticks = std::stod(fields[kUser]) + std::stod(fields[kSystem]);
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::optional<ThreadTimes> WorkerProcess::thread_times() const {
  const std::string folder = "/proc/" + std::to_string(pid_) + "/task";
  ThreadTimes times;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(folder, error)) {
    std::ifstream file(task.path() / "schedstat");
    double ran = 0.0;
    double waited = 0.0;
    if (!(file >> ran >> waited)) return std::nullopt;
    times.ran += ran * 1e-9;
    times.waited += waited * 1e-9;
  }
  return error ? std::nullopt : std::optional<ThreadTimes>(times);
}

int WorkerProcess::children() const {
  constexpr std::size_t kParent = 1;
  constexpr std::size_t kGroup = 2;
  const std::string self = std::to_string(pid_);
  int count = 0;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return 0;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos || name == self) continue;
    const std::vector<std::string> fields = stat_fields(name);
    if (fields.size() > kGroup && (fields[kParent] == self || fields[kGroup] == self)) ++count;
  }
  closedir(folder);
  return count;
}

}  // namespace thresher::measure
