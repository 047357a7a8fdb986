// The sampling loop: warm up, rotate, time, decide whether to go on.
#include "measure/sampler.hpp"

#include <chrono>
#include <cmath>
#include <string>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void require(bool met, const std::string& message) {
  if (!met) throw Error(ErrorCode::invalid_argument, message);
}

void check(const std::function<void(int)>& run, const SamplerOptions& o) {
  require(static_cast<bool>(run), "there is nothing to sample: the function is empty");
  require(o.sets >= 1, "sets must be at least 1, not " + std::to_string(o.sets));
  require(o.warm_up >= 0, "warm_up must be at least 0, not " + std::to_string(o.warm_up));
  require(o.min_samples >= 1, "min_samples must be at least 1, not " + std::to_string(o.min_samples));
  require(o.max_samples >= o.min_samples, "max_samples (" + std::to_string(o.max_samples) +
                                              ") must not be below min_samples (" + std::to_string(o.min_samples) +
                                              ")");
  require(o.max_seconds > 0.0, "max_seconds must be above 0, not " + std::to_string(o.max_seconds));
  require(o.target_precision >= 0.0, "target_precision must be at least 0, not " + std::to_string(o.target_precision));
  require(o.confidence > 0.0 && o.confidence < 1.0,
          "confidence must lie in (0, 1), not at " + std::to_string(o.confidence));
}

}  // namespace

const char* to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::precise:
      return "precise";
    case StopReason::out_of_time:
      return "out_of_time";
    case StopReason::out_of_samples:
      break;
  }
  return "out_of_samples";
}

// NOTE: looking at the interval after every sample and stopping at the first narrow one makes its real coverage a
// little lower than nominal. That is fine for a width; a decision between two kernels needs an anytime-valid test
// instead.
Samples sample(const std::function<void(int set)>& run, const SamplerOptions& options) {
  check(run, options);
  const std::function<double()> now = options.clock ? options.clock : steady_seconds;
  const double start = now();
  int turn = 0;
  const auto next_set = [&turn, &options] {
    const int set = turn;
    turn = (turn + 1) % options.sets;
    return set;
  };
  // A slow function must not spend all its time warming up.
  for (int i = 0; i < options.warm_up && now() - start < options.max_seconds / 2; ++i) {
    run(next_set());
  }

  Samples samples;
  while (true) {
    const int set = next_set();
    const double before = now();
    run(set);
    const double after = now();
    samples.seconds.push_back(after - before);
    samples.elapsed_seconds = after - start;

    const int count = static_cast<int>(samples.seconds.size());
    const std::optional<double> precision = relative_precision(samples.seconds, options.confidence);
    if (options.progress) options.progress({count, samples.elapsed_seconds, precision});
    if (count >= options.min_samples && precision && *precision <= options.target_precision) {
      samples.stop = StopReason::precise;
      return samples;
    }
    if (count >= options.max_samples) {
      samples.stop = StopReason::out_of_samples;
      return samples;
    }
    if (samples.elapsed_seconds >= options.max_seconds) {
      samples.stop = StopReason::out_of_time;
      return samples;
    }
  }
}

}  // namespace thresher::measure
