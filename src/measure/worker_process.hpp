// A worker as its arbiter sees it: started, asked, stopped, and ended whatever it does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "measure/worker_channel.hpp"

namespace thresher::measure {

/// What a request came to.
struct Answer {
  std::optional<nlohmann::json> content;  // nothing: see `why`
  std::string why;                        // "was killed by SIGSEGV", "did not answer within 10 s", ...
  double seconds = 0.0;                   // from sending to the answer, by the arbiter's clock
  bool forbidden = false;                 // it ended because it made a forbidden system call
};

/// What threads did so far, in seconds, added up.
struct ThreadTimes {
  double ran = 0.0;
  double waited = 0.0;  // ready to run, with no core free

  /// A busy machine does not hide who is busy.
  [[nodiscard]] double wanted() const { return ran + waited; }
};

class WorkerProcess {
 public:
  /// Starts `program worker --socket 3`; empty: this very program. Throws Error(environment).
  explicit WorkerProcess(const std::filesystem::path& program);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// Sends one message and waits. A worker that is late, breaks off or talks nonsense is killed; what it says with
  /// ok = false is passed on as `why`.
  Answer request(const nlohmann::json& content, double timeout_seconds, std::span<const int> fds = {});

  /// Stops every thread and returns when they stand still. What arrives on the socket meanwhile was not asked for.
  void freeze();
  void thaw();

  /// A message that was sent without being asked: it tried to answer before it was done.
  [[nodiscard]] bool spoke_unasked();

  /// Processor time of all its threads so far.
  [[nodiscard]] std::optional<double> cpu_seconds() const;

  /// Of its threads that live now, where the system tells.
  [[nodiscard]] std::optional<ThreadTimes> thread_times() const;

  /// Processes that it started and that still live.
  [[nodiscard]] int children() const;

  [[nodiscard]] bool alive() const { return !ended_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  [[nodiscard]] std::string describe_end() const;
  void note_end(int status);
  void kill_and_reap() noexcept;
  Answer lost(Answer answer);

  Channel channel_;
  pid_t pid_ = -1;
  bool frozen_ = false;
  bool ended_ = false;
  int end_status_ = 0;  // as waitpid() gives it
};

}  // namespace thresher::measure
