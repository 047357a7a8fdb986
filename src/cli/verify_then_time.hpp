// The one order of things in bench: check, time, check again. A wrong answer has no time.
#pragma once

#include <functional>
#include <optional>

#include "cli/answer_check.hpp"
#include "measure/sampler.hpp"

namespace thresher::cli {

/// What is measured, as functions, so that tests can put a wrong kernel here.
struct Candidate {
  std::function<AnswerReport()> check_first;  // runs the kernel on poisoned outputs and judges all of them
  std::function<measure::Samples()> time;     // on outputs poisoned once more
  std::function<AnswerReport()> check_timed;  // judges what the timed calls left
};

struct TimedAnswer {
  AnswerReport answer;
  std::optional<measure::Samples> samples;  // nothing unless both checks passed
};

TimedAnswer verify_then_time(const Candidate& candidate);

}  // namespace thresher::cli
