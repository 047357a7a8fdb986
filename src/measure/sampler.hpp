// Times a function until its median is known well enough, or the time is up.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "measure/statistics.hpp"

namespace thresher::measure {

enum class StopReason { precise, out_of_time, out_of_samples };

/// "precise" and so on, for reports.
const char* to_string(StopReason reason) noexcept;

/// Where a measurement stands, after each sample.
struct SamplerProgress {
  int samples = 0;
  double elapsed_seconds = 0.0;
  std::optional<double> precision;  // of the median so far
};

struct SamplerOptions {
  int sets = 1;          // data sets to rotate over, see rotation.hpp
  int warm_up = 2;       // untimed runs; threads, page tables and clocks settle
  int min_samples = 10;  // below 6 there is no interval at 95 %
  int max_samples = 1000;
  double max_seconds = 2.0;        // warm-up included; at least one sample is taken whatever it costs
  double target_precision = 0.01;  // stop once the median is known to +- this
  double confidence = 0.95;
  std::function<double()> clock;                         // seconds; empty: the steady clock
  std::function<void(const SamplerProgress&)> progress;  // called outside the timed part; may be empty
};

struct Samples {
  std::vector<double> seconds;  // raw, in the order taken
  StopReason stop = StopReason::out_of_samples;
  double elapsed_seconds = 0.0;  // warm-up and everything between samples included

  [[nodiscard]] std::optional<double> median() const { return measure::median(seconds); }
  [[nodiscard]] std::optional<Interval> interval() const { return median_interval(seconds); }
};

/// Calls run(0), run(1), ... run(sets - 1), run(0) and so on; the warm-up is part of the rotation.
/// Throws Error(invalid_argument) for options that can't be met; what `run` throws passes through.
Samples sample(const std::function<void(int set)>& run, const SamplerOptions& options);

}  // namespace thresher::measure
