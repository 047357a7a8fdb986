// Asking a worker, and judging what it wrote.
#include "measure/cpu_executor_side.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

constexpr double kLoadTimeout = 60.0;

// A library that waits for work without sleeping burns all of it, one that sleeps nothing; ticks are 10 ms.
constexpr std::chrono::milliseconds kQuietTime(120);
constexpr std::chrono::milliseconds kSettleTime(20);
constexpr double kQuietCpuSeconds = 0.035;

}  // namespace

CandidateSide::CandidateSide(Candidate candidate, const CpuExecutorOptions& options)
    : candidate_(std::move(candidate)), options_(options) {}

Failure CandidateSide::failure_of(const std::string& doing, const Answer& answer) const {
  const FailureKind kind = answer.forbidden ? FailureKind::invalid : FailureKind::error;
  return {kind, fmt::format("{} {}: it {}", candidate_.name, doing, answer.why)};
}

Answer CandidateSide::ask(const nlohmann::json& content, double timeout_seconds, std::span<const int> fds) {
  const std::optional<double> cpu = worker_->cpu_seconds();
  // Two ticks are the system's own rounding.
  if (cpu && cpu_when_stopped_ && *cpu - *cpu_when_stopped_ > kQuietCpuSeconds) {
    moved_while_stopped_ = {FailureKind::invalid, fmt::format("{} used {:.3f} s of processor time while it was stopped",
                                                              candidate_.name, *cpu - *cpu_when_stopped_)};
  }
  worker_->thaw();
  Answer answer = worker_->request(content, timeout_seconds, fds);
  note_stopped();
  return answer;
}

void CandidateSide::note_stopped() {
  worker_->freeze();
  cpu_when_stopped_ = worker_->cpu_seconds();
}

std::optional<Failure> CandidateSide::start() {
  try {
    worker_ = std::make_unique<WorkerProcess>(options_.program);
  } catch (const Error& error) {
    return Failure{FailureKind::error, error.what()};
  }
  const Answer answer = ask({{"do", "load"}, {"candidate", to_json(candidate_)}}, kLoadTimeout);
  if (!answer.content) return failure_of("can't be loaded", answer);
  gap_ = answer.content->value("gap", "");
  if (candidate_.kind == CandidateKind::library) candidate_.name = answer.content->value("name", candidate_.name);
  return std::nullopt;
}

std::optional<Failure> CandidateSide::prepare(int slot, const Problem& problem, int threads, const WeightSets& weights,
                                              const Inputs& inputs, const Outputs& outputs) {
  PrepareRequest request{
      .slot = slot, .problem = problem, .threads = threads, .sets = weights.sets(), .windows = inputs.windows()};
  std::copy(outputs.windows().begin() + kInputPieces, outputs.windows().end(), request.windows.begin() + kInputPieces);
  const std::array<int, 3> fds = {weights.fd(), inputs.fd(), outputs.fd()};
  const Answer answer = ask(to_json(request), options_.prepare_timeout_seconds, fds);
  if (!answer.content) return failure_of("failed while it prepared the weights", answer);
  return std::nullopt;
}

std::optional<Failure> CandidateSide::release(int slot) {
  const Answer answer = ask({{"do", "release"}, {"slot", slot}}, kLoadTimeout);
  if (!answer.content) return failure_of("failed while it released the weights", answer);
  return std::nullopt;
}

std::optional<Failure> CandidateSide::configure(const Candidate& candidate) {
  const Answer answer = ask({{"do", "configure"}, {"candidate", to_json(candidate)}}, kLoadTimeout);
  if (!answer.content) return Failure{FailureKind::error, fmt::format("{}: {}", candidate.name, answer.why)};
  candidate_ = candidate;
  return std::nullopt;
}

SideCall CandidateSide::call(int slot, int set, const Inputs& inputs, const Outputs& outputs, double timeout_seconds) {
  RunRequest request{.slot = slot, .set = set, .at = inputs.at(), .out_global_scale = inputs.data().out_global_scale};
  std::copy(outputs.at().begin() + kInputPieces, outputs.at().end(), request.at.begin() + kInputPieces);
  const std::optional<ThreadTimes> before = worker_->thread_times();
  const Answer answer = ask(to_json(request), timeout_seconds);
  const std::optional<ThreadTimes> after = worker_->thread_times();
  SideCall call{.seconds = answer.seconds, .waited_seconds = 0.0, .report = {}, .failure = {}};
  if (before && after) call.waited_seconds = std::max(0.0, after->waited - before->waited);
  if (!answer.content) {
    call.failure = failure_of("failed in a call", answer);
    return call;
  }
  if (worker_->spoke_unasked()) {
    call.failure = {FailureKind::invalid, candidate_.name + " answered more often than it was asked"};
  }
  if (moved_while_stopped_) call.failure = moved_while_stopped_;
  const auto report = answer.content->find("report");
  if (candidate_.kind == CandidateKind::config && report != answer.content->end()) {
    call.report = report_from_json(*report);
  }
  return call;
}

std::optional<Failure> CandidateSide::quiet() {
  if (!worker_->alive()) return std::nullopt;
  worker_->thaw();
  // Threads that were stopped on their way to sleep get there first.
  std::this_thread::sleep_for(kSettleTime);
  const std::optional<ThreadTimes> before = worker_->thread_times();
  const std::optional<double> cpu_before = worker_->cpu_seconds();
  std::this_thread::sleep_for(kQuietTime);
  const std::optional<ThreadTimes> after = worker_->thread_times();
  const std::optional<double> cpu_after = worker_->cpu_seconds();
  const int children = worker_->children();
  note_stopped();
  if (children > 0) {
    return Failure{FailureKind::invalid,
                   fmt::format("{} left {} process{} behind", candidate_.name, children, children == 1 ? "" : "es")};
  }
  double busy = 0.0;
  if (before && after) busy = after->wanted() - before->wanted();
  if (cpu_before && cpu_after) busy = std::max(busy, *cpu_after - *cpu_before);
  if (busy > kQuietCpuSeconds) {
    return Failure{FailureKind::invalid,
                   fmt::format("{} ran, or waited to run, for {:.2f} s in {:.2f} s between calls; a library must have "
                               "no thread running when a function returns",
                               candidate_.name, busy, std::chrono::duration<double>(kQuietTime).count())};
  }
  return std::nullopt;
}

std::optional<Failure> judge_call(const Inputs& inputs, const Outputs& outputs, const WeightSets& weights, int set,
                                  const reference::Selection& selection, const CpuChecks& checks, ElementCheck& tally,
                                  bool exact) {
  const auto invalid = [](std::string reason) { return Failure{FailureKind::invalid, std::move(reason)}; };
  if (checks.inputs && !inputs.unchanged()) return invalid("changed its activations");
  if (checks.fences && !outputs.fences_intact()) return invalid("wrote outside the result");
  const std::int64_t unwritten = checks.unwritten ? outputs.unwritten() : 0;
  if (unwritten > 0) {
    const Problem& problem = inputs.data().problem;
    const std::int64_t unit = problem.output == OutputType::nvfp4 ? kScaleBlock : 1;
    return invalid(
        fmt::format("left {} of {} elements of the result unwritten", unwritten * unit, problem.total_m() * problem.n));
  }
  if (!checks.reference) return std::nullopt;
  const OutputView view = outputs.view(inputs.data().out_global_scale);
  const ElementCheck check = check_elements(inputs.data(), weights, set, view, selection, exact);
  tally.checked += check.checked;
  tally.max_rel_err = std::max(tally.max_rel_err, check.max_rel_err);
  if (!check.ok()) return invalid("wrong answer: " + check.error);
  return std::nullopt;
}

}  // namespace thresher::measure
