// What the built-in sharks share: readings of a brief, the topics of criteria, and how a belief becomes a forecast.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tank/panel.hpp"

namespace thresher::tank {

/// Observables that the sharks read, by the names of measure::observable_catalogue(). One that is missing in a brief is
/// unknown, and sharks say so.
namespace observable {
inline constexpr std::string_view kPanelBufferBytes = "panel_buffer_bytes";
inline constexpr std::string_view kPanelBuffers = "panel_buffers";
inline constexpr std::string_view kBufferShareOfL1 = "buffer_share_of_l1";
inline constexpr std::string_view kTokenBlockBytes = "token_block_bytes";
inline constexpr std::string_view kTokenShareOfL2 = "token_share_of_l2";
inline constexpr std::string_view kAccumulatorsPerTask = "accumulators_per_task";
inline constexpr std::string_view kWorkspaceBytes = "workspace_bytes";
inline constexpr std::string_view kWeightPasses = "weight_passes";
inline constexpr std::string_view kWeightBytesRead = "weight_bytes_read";
inline constexpr std::string_view kBytesPerElement = "bytes_per_element";
inline constexpr std::string_view kArithmeticIntensity = "arithmetic_intensity";
inline constexpr std::string_view kFloorFraction = "floor_fraction";
inline constexpr std::string_view kTokensPerTask = "tokens_per_task";
inline constexpr std::string_view kTokenBlocks = "token_blocks";
inline constexpr std::string_view kTasks = "tasks";
inline constexpr std::string_view kWaves = "waves";
inline constexpr std::string_view kTailUtilisation = "tail_utilisation";
inline constexpr std::string_view kUtilisation = "utilisation";
inline constexpr std::string_view kComputingThreads = "computing_threads";
inline constexpr std::string_view kPaddingFraction = "padding_fraction";
inline constexpr std::string_view kBytesInFlight = "bytes_in_flight";
inline constexpr std::string_view kPanelsDequantised = "panels_dequantised";
inline constexpr std::string_view kPanelsAhead = "panels_ahead";
inline constexpr std::string_view kPanelsHandedOver = "panels_handed_over";
inline constexpr std::string_view kLinesPrefetched = "lines_prefetched";

/// Every one of them, so that a test can hold them to the catalogue.
inline constexpr std::array kAll{kPanelBufferBytes,
                                 kPanelBuffers,
                                 kBufferShareOfL1,
                                 kTokenBlockBytes,
                                 kTokenShareOfL2,
                                 kAccumulatorsPerTask,
                                 kWorkspaceBytes,
                                 kWeightPasses,
                                 kWeightBytesRead,
                                 kBytesPerElement,
                                 kArithmeticIntensity,
                                 kFloorFraction,
                                 kTokensPerTask,
                                 kTokenBlocks,
                                 kTasks,
                                 kWaves,
                                 kTailUtilisation,
                                 kUtilisation,
                                 kComputingThreads,
                                 kPaddingFraction,
                                 kBytesInFlight,
                                 kPanelsDequantised,
                                 kPanelsAhead,
                                 kPanelsHandedOver,
                                 kLinesPrefetched};
}  // namespace observable

/// A case of the round with what the pitch says about it.
struct CaseView {
  const CaseFacts* facts = nullptr;
  const measure::CaseObservables* candidate = nullptr;  // null: not observed
  const Prediction* prediction = nullptr;               // null: the pitch is silent about it
  std::optional<double> headroom;                       // baseline seconds over floor seconds

  [[nodiscard]] const std::string& name() const { return facts->one.name; }
  [[nodiscard]] std::optional<double> before(std::string_view observable) const;
  [[nodiscard]] std::optional<double> after(std::string_view observable) const;
};

std::vector<CaseView> views_of(const Brief& brief);

/// The pitch's prediction as one number each, in logs: means over the round's cases, where a case that it is silent
/// about counts as no change.
struct Claim {
  int predicted = 0;  // cases
  double low = 0.0;
  double middle = 0.0;
  double high = 0.0;
};
Claim claim_of(const std::vector<CaseView>& views);

/// Log of the geometric mean of the headrooms; nothing when one of them is unknown.
std::optional<double> log_headroom(const std::vector<CaseView>& views);

/// Evidence items for a criterion (all of them for ""): how many there are, and how many claims were looked up.
struct EvidenceCount {
  int generic = 0;
  int specific = 0;
  int holding = 0;
};
EvidenceCount count_evidence(const Brief& brief, std::string_view criterion);

/// Kernel-specific items that hold and whose claim is about one of these observables.
int holding_about(const Brief& brief, const std::vector<std::string_view>& observables);

/// Is there an observable step in the test plan about one of these?
bool plan_observes(const Pitch& pitch, const std::vector<std::string_view>& observables);
int plan_count(const Pitch& pitch, TestStepKind kind);

/// What a criterion of the rules asks about. Names are matched by what they hold ("gain", "risk", "test", ...), so that
/// rules may add or rename criteria; what matches nothing is `other`.
enum class Topic { gain, soundness, feasibility, specificity, risk, testing, other };
Topic topic_of(std::string_view criterion);

struct Judgement {
  double score = 0.0;  // cut to 0 .. 10 when it is given
  std::string reason;
};

/// A shark's view of every topic; `other` is the mean of the six.
struct Opinion {
  Judgement gain;
  Judgement soundness;
  Judgement feasibility;
  Judgement specificity;
  Judgement risk;
  Judgement testing;
};

/// What a shark believes, before it becomes a forecast. Effects are logs of the geometric-mean speed-up.
struct Belief {
  double odds = 1.0;    // of a WIN
  double works = 0.0;   // the effect if the idea works
  double fails = 0.0;   // the effect if it does not
  double spread = 0.0;  // standard deviation around either
};

/// How often something was tried, and won. A pitch may have left several lessons and counts once.
struct Attempts {
  int wins = 0;
  int others = 0;
};
/// Of one category, or of all.
Attempts attempts_in(std::span<const Lesson> history, std::optional<Category> category);

/// Odds of a WIN before anything is known of a pitch: (wins + 1) to (others + 1) among all that was tried before.
double prior_odds(std::span<const Lesson> history);

/// The belief that most sharks start from: prior odds, and the claim cut to the headroom.
Belief starting_belief(const Brief& brief, const std::vector<CaseView>& views);

/// The two outcomes' mixture by its mean and standard deviation, read as a normal distribution of the log effect.
Forecast forecast_of(const Belief& belief);

Assessment assess_as(const std::string& shark, const Brief& brief, const Opinion& opinion, const Forecast& forecast,
                     std::vector<std::string> remarks);

/// Grows with the kernel-specific items that hold, most with the first; items about the shark's own lens add to it, and
/// claims that do not hold take away.
Judgement judge_specificity(const Brief& brief, const std::string& lens, int about_lens);

/// Figures as every shark prints them: "1.25x" of a log effect, "32.0 KiB".
std::string speed_up_text(double log_effect);
std::string bytes_text(double bytes);

}  // namespace thresher::tank
