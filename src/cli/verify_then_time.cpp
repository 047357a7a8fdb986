// Check, time, check again.
#include "cli/verify_then_time.hpp"

#include <algorithm>
#include <utility>

namespace thresher::cli {

TimedAnswer verify_then_time(const Candidate& candidate) {
  TimedAnswer result{.answer = candidate.check_first(), .samples = std::nullopt};
  if (!result.answer.ok()) {
    return result;
  }
  measure::Samples samples = candidate.time();
  const AnswerReport after = candidate.check_timed();
  result.answer.max_rel_err = std::max(result.answer.max_rel_err, after.max_rel_err);
  result.answer.checked += after.checked;
  if (!after.ok()) {
    result.answer.error = "right at first, then, while it was timed, " + after.error;
    return result;
  }
  result.samples = std::move(samples);
  return result;
}

}  // namespace thresher::cli
