// What measuring a pitch can end in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thresher::tank {

enum class Verdict {
  win,         ///< faster than the champion in force beyond the noise, and nowhere worse
  loss,        ///< slower
  same,        ///< shown to be within the least gain that counts
  ambiguous,   ///< not decided by the blocks that the budget allowed
  invalid,     ///< a wrong answer, or a rule broken
  impossible,  ///< faster than this machine's ceilings allow
  error,       ///< did not run, crashed or hung
};

/// "WIN", "LOSS", ... as reports print them.
const char* to_string(Verdict verdict) noexcept;
std::optional<Verdict> parse_verdict(std::string_view text) noexcept;
/// One sentence on what the verdict means.
const char* meaning(Verdict verdict) noexcept;

/// A case before and after, in seconds: medians over the blocks, and the paired ratio with its interval.
struct CaseResult {
  std::string case_name;
  double before_seconds = 0.0;
  double after_seconds = 0.0;
  double speed_up = 1.0;  // exp of the paired log effect: not the quotient of the medians
  std::optional<double> low;
  std::optional<double> high;
  int blocks = 0;
};

/// A pitch's way through the gates, and where it ended.
struct Outcome {
  std::string pitch;
  Verdict verdict = Verdict::error;
  std::string
      stopped_at;      // the step that decided: config, observable, correctness, short_race, full_race, confirmation
  std::string reason;  // one or two sentences with the figures
  std::vector<CaseResult> cases;   // of the race that decided; empty when there was none
  std::optional<double> speed_up;  // geometric mean over the cases
  std::optional<double> low;
  std::optional<double> high;
  std::optional<int> more_blocks;      // ambiguous: about how many would decide
  std::optional<bool> mechanism_seen;  // did the observable that would show the mechanism move as predicted?
};

}  // namespace thresher::tank
