// Decides whether a candidate is faster than the incumbent, after every block if need be, and says why.
//
// Background. A verdict changes what users run, so a wrong WIN is the costly error; a race also has several cases, and
// a mean over them can hide one that got slower. Judging must be possible after each block, since blocks cost minutes.
// Approach. Evidence decides, intervals describe, and a verdict is given only where both agree. With
// delta = max(min_gain, noise_floor) and m = max(case_margin, noise_floor):
//   WIN   e-process against "geomean effect <= delta" reached 1 / alpha at some look, the geomean's interval lies above
//         delta, the mean effect does too (e-process and interval are deaf to a candidate's rare long pauses, the mean
//         is not), and for each case the e-process against "effect <= -m" reached 1 / case_alpha.
//   LOSS  e-process against "geomean effect >= -delta" reached 2 / alpha and the interval lies below -delta; or for one
//         of C cases the one against "effect >= -m" reached 2 * C / alpha and the case's interval lies below -m.
//   SAME  e-processes against "effect >= delta" and "effect <= -delta" both reached 1 / alpha, interval within.
// So WIN where the geomean gains no more than delta has probability <= alpha over a whole race, and so have LOSS (its
// C + 1 ways share alpha) and SAME. WIN needs every one of its tests, so none is corrected. LOSS is looked for first: a
// case shown to be slower outweighs the mean.
// The e-processes cost 6 microseconds a block; the intervals need a bootstrap. RunningJudge::pending() says when the
// evidence has crossed, and only then is standing() worth its price.
// Rejected. Case guards by "the interval's low end is above -m" alone (looked at after every block it errs far more
// often than it says); guards at alpha (with noisy cases they alone would set the length of a race, and they guard
// against a loss of m, not against a false gain); a Bayes factor (its prior would be a knob in the verdict).
// NOTE: what one process on one machine shows may be the luck of its memory layout; a win is confirmed in a new
// process.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "measure/e_process.hpp"
#include "measure/estimate.hpp"
#include "measure/paired.hpp"

namespace thresher::measure {

/// Every threshold of a verdict. Effects are logs: 0.005 is 0.5 %.
struct DecisionRule {
  double alpha = 0.01;        // error of each verdict over a whole race
  double case_alpha = 0.05;   // error of the guard of one case
  double confidence = 0.95;   // of every interval; at most 0.99
  double min_gain = 0.005;    // below this an effect is not worth a change
  double case_margin = 0.02;  // what one case may lose in a race that is won
  int min_blocks = 8;         // no verdict before; 6 are the least for an interval at 0.95
  int max_blocks = 60;        // the budget

  /// Throws Error(invalid_argument) with the first value that can't be.
  void validate() const;
};

enum class Ruling { win, loss, same, ambiguous };

/// "win" and so on, for reports.
const char* to_string(Ruling ruling) noexcept;

/// The largest value so far of each e-process.
struct RaceEvidence {
  double gain = 1.0;         // against "geomean effect <= delta"
  double loss = 1.0;         // against "geomean effect >= -delta"
  double below_delta = 1.0;  // against "geomean effect >= delta"
  double above_delta = 1.0;  // against "geomean effect <= -delta"
};

struct CaseStanding {
  std::string name;
  std::optional<Estimate> estimate;
  double e_worse = 1.0;      // against "effect >= -m"
  double e_not_worse = 1.0;  // against "effect <= -m"
};

struct Standing {
  Ruling ruling = Ruling::ambiguous;
  int blocks = 0;
  double delta = 0.0;   // the gain that had to be exceeded
  double margin = 0.0;  // what a case may lose
  RaceEvidence evidence;
  std::optional<Estimate> geomean;
  std::vector<CaseStanding> cases;
  std::optional<int>
      more_blocks;  // of an ambiguous race, at the effect and spread seen so far; nothing: no end in sight
  std::string why;  // one sentence with the figures
};

/// Judges a race as it runs.
class RunningJudge {
 public:
  /// Throws Error(invalid_argument) for a wrong rule, no cases, or a noise floor that is not finite and >= 0.
  RunningJudge(std::vector<std::string> case_names, double noise_floor, const DecisionRule& rule);

  /// One log-ratio a case, in the order of the names.
  void add(std::span<const double> log_ratios);

  /// The ruling that the evidence alone allows by now; nothing while none. standing() may still find that an interval
  /// disagrees. Cheap: ask after every block.
  [[nodiscard]] std::optional<Ruling> pending() const;

  /// The whole verdict with estimates; 1.5 ms for 4 cases and 60 blocks.
  [[nodiscard]] Standing standing() const;

  [[nodiscard]] int blocks() const { return race_.blocks(); }

 private:
  struct GeomeanTests {
    NoiseScale scale;
    EProcess gain, loss, below_delta, above_delta;
  };
  struct CaseTests {
    NoiseScale scale;
    EProcess worse, not_worse;
  };

  [[nodiscard]] bool evidence_of_win() const;
  [[nodiscard]] bool evidence_of_same() const;
  [[nodiscard]] bool case_is_worse(std::size_t index) const;
  [[nodiscard]] bool geomean_is_worse() const;
  [[nodiscard]] double case_loss_level() const;
  [[nodiscard]] std::optional<int> blocks_to_win(const Standing& standing) const;
  [[nodiscard]] std::optional<int> blocks_to_loss(const Standing& standing) const;
  [[nodiscard]] std::optional<int> blocks_to_same(const Standing& standing) const;
  void rule_on(Standing& standing) const;

  RaceData race_;
  DecisionRule rule_;
  double delta_;
  double margin_;
  GeomeanTests geomean_;
  std::vector<CaseTests> cases_;
};

/// Judges a race from its blocks, as RunningJudge would after the last of them: the same data, the same verdict.
Standing judge(const RaceData& race, double noise_floor, const DecisionRule& rule = {});

}  // namespace thresher::measure
