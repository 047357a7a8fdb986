// Sharks: what they see, what they say, and how a panel's scores are put together.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "measure/executor.hpp"
#include "tank/lesson.hpp"
#include "tank/pitch.hpp"
#include "tank/rules.hpp"

namespace thresher::tank {

/// Facts of a case that do not depend on a pitch, beside the observables: what makes this kernel special.
struct CaseFacts {
  catalog::Case one;
  double floor_seconds = 0.0;
  bool memory_bound = false;
  std::optional<double> baseline_seconds;  // one counted call of the baseline
  measure::CaseObservables baseline;
};

/// A shark's record from earlier rounds, or a contestant's.
struct TrackRecord {
  std::string shark;  // its name
  int forecasts = 0;
  std::optional<double> brier;           // mean; lower is better, 0.25 is a coin
  std::optional<double> interval_score;  // mean, in log speed-up; lower is better
  double weight = 1.0;                   // what the panel gives it
};

/// Everything a shark may look at. Deterministic sharks are pure functions of it.
struct Brief {
  const Pitch* pitch = nullptr;
  const Rules* rules = nullptr;
  const measure::DeviceFacts* device = nullptr;
  std::span<const CaseFacts> cases;
  std::span<const measure::CaseObservables> candidate;  // of the pitch's change, by case
  std::span<const Lesson> history;                      // every lesson of earlier rounds
  std::span<const Lesson> binding;                      // those that bind this pitch
  std::span<const AnswerCheck> answers;
  std::span<const ClaimCheck> evidence;   // one per evidence item of the pitch; generic ones do not hold
  std::optional<TrackRecord> contestant;  // of the pitch's contestant in earlier rounds, where there is one
};

struct CriterionScore {
  std::string criterion;
  double score = 0.0;  // 0 .. 10
  std::string reason;
};

/// Sealed before anything is measured, and scored afterwards.
struct Forecast {
  double p_win = 0.5;  // that the verdict is WIN
  double low = 1.0;    // 80 % interval of the geometric-mean speed-up
  double high = 1.0;
};

struct Assessment {
  std::string shark;
  std::vector<CriterionScore> scores;  // one per criterion of the rules, in their order
  Forecast forecast;
  std::vector<std::string> remarks;
  std::string failure;  // an external shark that hung or talked rubbish: then no scores, and it has no vote
};

class Shark {
 public:
  virtual ~Shark() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string looks_at() const = 0;  // one sentence for reports
  [[nodiscard]] virtual Assessment assess(const Brief& brief) const = 0;
};

/// roofline, compiler, scheduler, historian, risk.
std::vector<std::unique_ptr<Shark>> builtin_sharks();

/// Why an assessment has no vote, or nothing: it failed, left a criterion out, or gave a number out of range.
std::optional<std::string> why_no_vote(const Assessment& assessment, const Rules& rules);

/// Throws Error(invalid_argument) when the rules want a panel that remembers and there is nothing to remember.
void require_history(const Rules& rules, std::span<const Lesson> history);

/// What a criterion's score is multiplied with for the evidence behind it, and why. docs/sharks.md has the formula.
struct EvidenceFactor {
  double factor = 1.0;
  std::string reason;  // empty where the criterion asks for no evidence
};
EvidenceFactor evidence_factor(const Brief& brief, const Criterion& criterion);

/// The panel's view of one pitch.
struct PanelScore {
  std::string pitch;
  std::vector<Assessment> assessments;
  double raw_total = 0.0;        // with the raw weights of the rules (base + adjustment), out of 10 * their sum
  double total = 0.0;            // with the normalised weights, 0 .. 10: this one decides
  std::vector<double> criteria;  // weighted over sharks and discounted for evidence, by criterion
  Forecast forecast;             // weighted over sharks
};

/// Sharks' scores, weighted by track record (1 without one), after the rules' discounts: generic evidence counts
/// generic_discount; an evidence criterion without a kernel-specific item that holds is 0, whoever scored it. An
/// assessment without a vote is kept with the reason in `failure`. Throws Error(invalid_argument) when the rules
/// require a history that the brief lacks, or when nobody has a vote.
PanelScore score(const Brief& brief, std::vector<Assessment> assessments, std::span<const TrackRecord> records);

/// A panel funds nothing below this total, out of 10.
inline constexpr double kPanelBar = 5.0;

/// The ids, best total first; equal totals by id.
std::vector<std::string> ranking(std::span<const PanelScore> scores);

/// Best first; at most `funded` of those that stand at or above the panel's bar (half of the attainable total).
std::vector<std::string> fund(std::span<const PanelScore> scores, int funded);

/// Weights from past forecasts: skill against a coin, between 0.25 and 4, 1 without a record.
TrackRecord track_record(const std::string& shark, std::span<const double> briers, std::span<const double> intervals);

}  // namespace thresher::tank
