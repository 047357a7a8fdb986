// How the scores of a panel are put together, and what they decide.
//
// Background. In the seed's first round every judge funded the same textbook idea, with confidence and with literature,
// and it made the kernel 24 to 46 % slower. Scores that nobody can be held to are worth nothing.
// Approach. A criterion's score is the mean over sharks, weighted by how well their earlier forecasts did, times a
// factor for the evidence that the arbiter looked up itself; the total is the mean over criteria with the weights of
// the rules. Both steps are linear, so a report can show where every tenth of a point comes from.
// Rejected. Dropping the most extreme sharks (a lone dissenter is what round 1 lacked), products of scores (one
// mistaken zero would decide alone), and letting sharks apply the discounts (external ones would not).
#include "tank/panel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tank/builtin_sharks.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

constexpr double kFullScore = 10.0;

bool within(double value, double low, double high) {
  return value >= low && value <= high;  // false for NaN
}

double weight_of(const std::string& shark, std::span<const TrackRecord> records) {
  const auto found = std::find_if(records.begin(), records.end(), [&](const auto& one) { return one.shark == shark; });
  return found == records.end() ? 1.0 : found->weight;
}

// Linear in the probability, and in the logs of the interval's ends, because speed-ups multiply.
Forecast mean_forecast(std::span<const Assessment> votes, std::span<const double> weights) {
  double p_win = 0.0;
  double low = 0.0;
  double high = 0.0;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    p_win += weights[i] * votes[i].forecast.p_win;
    low += weights[i] * std::log(votes[i].forecast.low);
    high += weights[i] * std::log(votes[i].forecast.high);
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  return {.p_win = std::clamp(p_win / sum, 0.0, 1.0), .low = std::exp(low / sum), .high = std::exp(high / sum)};
}

}  // namespace

std::vector<std::unique_ptr<Shark>> builtin_sharks() {
  std::vector<std::unique_ptr<Shark>> sharks;
  sharks.push_back(roofline_shark());
  sharks.push_back(compiler_shark());
  sharks.push_back(scheduler_shark());
  sharks.push_back(historian_shark());
  sharks.push_back(risk_shark());
  return sharks;
}

std::optional<std::string> why_no_vote(const Assessment& assessment, const Rules& rules) {
  if (!assessment.failure.empty()) return assessment.failure;
  if (assessment.scores.size() != rules.criteria.size()) {
    return fmt::format("gave {} scores for {} criteria", assessment.scores.size(), rules.criteria.size());
  }
  for (std::size_t i = 0; i < rules.criteria.size(); ++i) {
    const CriterionScore& given = assessment.scores[i];
    if (given.criterion != rules.criteria[i].name) {
      return fmt::format("scored '{}' where '{}' is due", given.criterion, rules.criteria[i].name);
    }
    if (!within(given.score, 0.0, kFullScore)) {
      return fmt::format("gave {} on {}, which is not in 0 .. 10", given.score, given.criterion);
    }
  }
  const Forecast& forecast = assessment.forecast;
  if (!within(forecast.p_win, 0.0, 1.0)) return fmt::format("forecast p_win {}, not in 0 .. 1", forecast.p_win);
  if (!(forecast.low > 0.0 && forecast.low <= forecast.high && std::isfinite(forecast.high))) {
    return fmt::format("forecast the interval {} .. {}, whose ends must be > 0, finite and in order", forecast.low,
                       forecast.high);
  }
  return std::nullopt;
}

void require_history(const Rules& rules, std::span<const Lesson> history) {
  if (!rules.require_history || !history.empty()) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("rules '{}' require a panel that remembers, but 0 lessons of earlier rounds were given; name "
                          "the earlier rounds in 'history' of round.toml, or use rules without require_history",
                          rules.name));
}

EvidenceFactor evidence_factor(const Brief& brief, const Criterion& criterion) {
  const Rules& rules = *brief.rules;
  const auto& asked = rules.evidence_criteria;
  if (std::find(asked.begin(), asked.end(), criterion.name) == asked.end()) return {};
  int specific = 0;
  int generic = 0;
  int items = 0;
  for (std::size_t i = 0; i < brief.pitch->evidence.size(); ++i) {
    const EvidenceItem& item = brief.pitch->evidence[i];
    if (item.criterion != criterion.name) continue;
    ++items;
    generic += item.kind == EvidenceKind::generic ? 1 : 0;
    specific +=
        item.kind == EvidenceKind::kernel_specific && i < brief.evidence.size() && brief.evidence[i].holds ? 1 : 0;
  }
  if (specific == 0 && rules.require_kernel_specific) {
    return {.factor = 0.0,
            .reason = fmt::format("{}: none of {} items is kernel-specific and holds, so it counts 0", criterion.name,
                                  items)};
  }
  // NOTE: no item at all counts like a generic one. Otherwise leaving literature out would beat naming it.
  if (items == 0) {
    return {.factor = rules.generic_discount,
            .reason = fmt::format("{}: no evidence, so it counts {:.2f}", criterion.name, rules.generic_discount)};
  }
  const double factor = (specific + rules.generic_discount * generic) / items;
  return {.factor = factor,
          .reason = fmt::format("{}: ({} that hold + {:.2f} x {} generic) / {} items = {:.2f}", criterion.name,
                                specific, rules.generic_discount, generic, items, factor)};
}

PanelScore score(const Brief& brief, std::vector<Assessment> assessments, std::span<const TrackRecord> records) {
  const Rules& rules = *brief.rules;
  require_history(rules, brief.history);
  std::vector<Assessment> votes;
  std::vector<double> weights;
  std::string refused;
  for (Assessment& one : assessments) {
    if (const auto why = why_no_vote(one, rules)) {
      one.failure = *why;
      refused += fmt::format(" {}: {};", one.shark, *why);
      continue;
    }
    votes.push_back(one);
    weights.push_back(weight_of(one.shark, records));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(sum > 0.0)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("nobody on the panel has a vote on '{}' ({} sharks asked;{} weights sum to {}); ask at "
                            "least one built-in shark",
                            brief.pitch->id, assessments.size(), refused, sum));
  }
  PanelScore result{.pitch = brief.pitch->id,
                    .assessments = std::move(assessments),
                    .criteria = {},
                    .forecast = mean_forecast(votes, weights)};
  for (std::size_t c = 0; c < rules.criteria.size(); ++c) {
    double mean = 0.0;
    for (std::size_t i = 0; i < votes.size(); ++i) {
      mean += weights[i] * votes[i].scores[c].score / sum;
    }
    const double value = mean * evidence_factor(brief, rules.criteria[c]).factor;
    result.criteria.push_back(value);
    result.raw_total += rules.criteria[c].raw() * value;
    result.total += rules.criteria[c].normalised * value;
  }
  return result;
}

std::vector<std::string> ranking(std::span<const PanelScore> scores) {
  std::vector<const PanelScore*> order;
  for (const PanelScore& one : scores) {
    order.push_back(&one);
  }
  std::sort(order.begin(), order.end(), [](const PanelScore* left, const PanelScore* right) {
    return left->total != right->total ? left->total > right->total : left->pitch < right->pitch;
  });
  std::vector<std::string> ids;
  for (const PanelScore* one : order) {
    ids.push_back(one->pitch);
  }
  return ids;
}

std::vector<std::string> fund(std::span<const PanelScore> scores, int funded) {
  std::vector<PanelScore> eligible;
  std::copy_if(scores.begin(), scores.end(), std::back_inserter(eligible),
               [](const PanelScore& one) { return one.total >= kPanelBar; });
  std::vector<std::string> ids = ranking(eligible);
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(std::max(0, funded))));
  return ids;
}

TrackRecord track_record(const std::string& shark, std::span<const double> briers, std::span<const double> intervals) {
  // A coin's score, and the number of coin tosses that a new shark is credited with: one lucky forecast must not make
  // it the loudest voice, and a round funds about this many pitches.
  constexpr double kCoin = 0.25;
  constexpr double kCredit = 4.0;
  TrackRecord record{.shark = shark, .forecasts = static_cast<int>(briers.size()), .brier = {}, .interval_score = {}};
  if (!intervals.empty()) {
    record.interval_score =
        std::accumulate(intervals.begin(), intervals.end(), 0.0) / static_cast<double>(intervals.size());
  }
  if (briers.empty()) return record;
  for (const double brier : briers) {
    if (within(brier, 0.0, 1.0)) continue;
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("Brier score {} of '{}' is not in [0, 1]; the ledger's forecasts are damaged", brier, shark));
  }
  const double sum = std::accumulate(briers.begin(), briers.end(), 0.0);
  const double count = static_cast<double>(briers.size());
  record.brier = sum / count;
  // How often better than a coin. Bounded, so that nobody is silenced and nobody rules.
  record.weight = std::clamp(kCoin / ((sum + kCredit * kCoin) / (count + kCredit)), 0.25, 4.0);
  return record;
}

}  // namespace thresher::tank
