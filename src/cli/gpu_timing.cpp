// Captures, replays, reads events.
//
// A replay is timed between two events in its stream, so starting the graph is part of it, once for all its calls:
// replays are made long enough that this vanishes. Calls in a graph follow each other as in a decode step that was
// captured.
#include "cli/gpu_timing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "gpu/launch.hpp"
#include "measure/statistics.hpp"

namespace thresher::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLeastCalls = 8;
constexpr int kMostCalls = 4096;
// Starting a graph takes some microseconds: 0.2 % of this.
constexpr double kLeastReplaySeconds = 2e-3;
constexpr int kWarmUps = 2;
constexpr int kLeastSamples = 11;   // the interval of the median then spans x(2) .. x(10)
constexpr int kHostLaunches = 100;  // two kernels each: far fewer than a stream queues before a launch blocks

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double replay_seconds(const gpu::Graph& graph, const gpu::Stream& stream, const gpu::Event& begin,
                      const gpu::Event& end) {
  begin.record(stream.get());
  graph.launch(stream.get());
  end.record(stream.get());
  end.synchronize();
  return end.milliseconds_since(begin) * 1e-3;
}

double host_seconds(const gpu::Stream& stream, const std::function<void(int set)>& run, int sets) {
  std::vector<double> seconds;
  stream.synchronize();
  for (int call = 0; call < kHostLaunches; ++call) {
    const Clock::time_point start = Clock::now();
    run(call % sets);
    seconds.push_back(seconds_since(start));
  }
  stream.synchronize();
  return *measure::median(seconds);
}

}  // namespace

int calls_per_replay(int sets, double call_seconds, double least_seconds) {
  const double wanted = call_seconds > 0.0 ? std::ceil(least_seconds / call_seconds) : 1.0;
  const int calls = std::max(kLeastCalls, static_cast<int>(std::min<double>(wanted, kMostCalls)));
  return (calls + sets - 1) / sets * sets;
}

GpuTimes time_calls(const gpu::ContextRef& context, const gpu::Stream& stream, const std::function<void(int set)>& run,
                    const GpuTimingOptions& options) {
  const auto capture = [&](int calls) {
    return gpu::Graph(context, stream.get(), [&] {
      for (int call = 0; call < calls; ++call)
        run(call % options.sets);
    });
  };
  const gpu::Event begin(context);
  const gpu::Event end(context);
  GpuTimes times;
  // A short graph says how long a call takes, and so how many make a replay.
  const int few = calls_per_replay(options.sets, 0.0, 0.0);
  {
    const gpu::Graph graph = capture(few);
    (void)replay_seconds(graph, stream, begin, end);
    const double call_seconds = replay_seconds(graph, stream, begin, end) / few;
    times.calls_per_replay = calls_per_replay(options.sets, call_seconds, kLeastReplaySeconds);
  }
  const gpu::Graph graph = capture(times.calls_per_replay);
  for (int i = 0; i < kWarmUps; ++i)
    (void)replay_seconds(graph, stream, begin, end);

  const int least = std::min(kLeastSamples, options.max_samples);
  const Clock::time_point start = Clock::now();
  std::vector<double>& seconds = times.samples.seconds;
  const auto more = [&] {
    const int taken = static_cast<int>(seconds.size());
    return taken < least || (taken < options.max_samples && seconds_since(start) < options.max_seconds);
  };
  while (more()) {
    seconds.push_back(replay_seconds(graph, stream, begin, end) / times.calls_per_replay);
    if (options.progress) options.progress(seconds_since(start));
  }
  times.samples.elapsed_seconds = seconds_since(start);
  times.samples.stop = static_cast<int>(seconds.size()) >= options.max_samples ? measure::StopReason::out_of_samples
                                                                               : measure::StopReason::out_of_time;
  times.host_seconds = host_seconds(stream, run, options.sets);
  return times;
}

}  // namespace thresher::cli
