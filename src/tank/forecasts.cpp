// Brier and interval scores of a round, and the panel's regret.
#include "tank/forecasts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "measure/scores.hpp"

namespace thresher::tank {
namespace {

// What the intervals of sharks and contestants promise.
constexpr double kConfidence = 0.8;

constexpr const char* kShark = "shark";
constexpr const char* kContestant = "contestant";
constexpr const char* kPanel = "panel";

struct Scores {
  std::vector<double> briers;
  std::vector<double> intervals;
  int forecasts = 0;
};

std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// In logs, so that half as fast and twice as fast are equally far from no change.
double log_interval_score(double low, double high, double effect) {
  return measure::interval_score({.low = std::log(low), .high = std::log(high)}, std::log(effect), kConfidence);
}

void add(Scores& scores, const Forecast& forecast, const Outcome& outcome) {
  ++scores.forecasts;
  scores.briers.push_back(measure::brier_score(forecast.p_win, outcome.verdict == Verdict::win));
  if (const auto effect = measured_effect(outcome)) {
    scores.intervals.push_back(log_interval_score(forecast.low, forecast.high, *effect));
  }
}

// A contestant predicts sizes case by case and no probability, so there is nothing for a Brier score to score.
void add(Scores& scores, const std::vector<Prediction>& predictions, const Outcome& outcome) {
  if (!measured_effect(outcome)) return;
  for (const Prediction& one : predictions) {
    const auto found = std::find_if(outcome.cases.begin(), outcome.cases.end(),
                                    [&](const CaseResult& result) { return result.case_name == one.case_name; });
    if (found == outcome.cases.end()) continue;
    ++scores.forecasts;
    scores.intervals.push_back(log_interval_score(one.low, one.high, found->speed_up));
  }
}

ForecastRecord record_of(const std::string& who, const std::string& role, const Scores& scores) {
  return {.who = who,
          .role = role,
          .forecasts = scores.forecasts,
          .brier = mean(scores.briers),
          .interval_score = mean(scores.intervals)};
}

// Scores whose mean and number are those of the records: a weight depends on nothing else.
std::vector<double> scores_of(std::span<const ForecastRecord> records, const std::string& role, const std::string& who,
                              std::optional<double> ForecastRecord::*score) {
  std::vector<double> scores;
  for (const ForecastRecord& one : records) {
    if (one.role != role || one.who != who || !(one.*score)) continue;
    scores.insert(scores.end(), static_cast<std::size_t>(std::max(0, one.forecasts)), *(one.*score));
  }
  return scores;
}

ForecastRecord shark_record(const std::string& shark, const Scores& scores, std::span<const TrackRecord> in_force,
                            std::span<const ForecastRecord> earlier) {
  ForecastRecord record = record_of(shark, kShark, scores);
  const auto found =
      std::find_if(in_force.begin(), in_force.end(), [&](const auto& one) { return one.shark == shark; });
  if (found != in_force.end()) record.weight = found->weight;
  std::vector<double> briers = scores_of(earlier, kShark, shark, &ForecastRecord::brier);
  briers.insert(briers.end(), scores.briers.begin(), scores.briers.end());
  record.next_weight = track_record(shark, briers, {}).weight;
  return record;
}

// What taking this pitch would have been worth. A pitch that ends INVALID, IMPOSSIBLE or in an ERROR leaves the
// baseline in force; one that was not measured has no worth that anybody knows.
std::optional<double> worth(const PitchRecord& one) {
  if (!one.outcome) return std::nullopt;
  if (const auto effect = measured_effect(*one.outcome)) return effect;
  const Verdict verdict = one.outcome->verdict;
  const bool fell_out = verdict == Verdict::invalid || verdict == Verdict::impossible || verdict == Verdict::error;
  return fell_out ? std::optional<double>(1.0) : std::nullopt;
}

void add_regret(ForecastReport& report, std::span<const PitchRecord> pitches) {
  std::vector<double> worths;
  std::vector<PanelScore> scores;
  for (const PitchRecord& one : pitches) {
    if (one.panel) scores.push_back(*one.panel);
    if (const auto value = worth(one)) worths.push_back(*value);
  }
  if (worths.empty()) return;
  const double best = *std::max_element(worths.begin(), worths.end());
  double sum = 0.0;
  for (const double value : worths) {
    sum += best / value - 1.0;
  }
  report.random_regret = sum / static_cast<double>(worths.size());
  const std::vector<std::string> order = ranking(scores);
  if (order.empty()) return;
  const auto first = std::find_if(pitches.begin(), pitches.end(), [&](const PitchRecord& one) {
    return one.panel && one.panel->pitch == order.front();
  });
  if (const auto value = worth(*first)) report.regret = best / *value - 1.0;
}

}  // namespace

std::optional<double> measured_effect(const Outcome& outcome) {
  switch (outcome.verdict) {
    case Verdict::win:
    case Verdict::loss:
    case Verdict::same:
    case Verdict::ambiguous:
      return outcome.speed_up;
    case Verdict::invalid:
    case Verdict::impossible:
    case Verdict::error:
      return std::nullopt;
  }
  return std::nullopt;
}

ForecastReport score_forecasts(std::span<const PitchRecord> pitches, std::span<const TrackRecord> in_force,
                               std::span<const ForecastRecord> earlier) {
  std::map<std::string, Scores> sharks;
  std::map<std::string, Scores> contestants;
  Scores panel;
  for (const PitchRecord& one : pitches) {
    if (!one.outcome) continue;
    add(contestants[one.pitch.contestant], one.pitch.predictions, *one.outcome);
    if (!one.panel) continue;
    add(panel, one.panel->forecast, *one.outcome);
    for (const Assessment& assessment : one.panel->assessments) {
      if (assessment.failure.empty()) add(sharks[assessment.shark], assessment.forecast, *one.outcome);
    }
  }
  ForecastReport report;
  for (const auto& [name, scores] : sharks) {
    report.records.push_back(shark_record(name, scores, in_force, earlier));
  }
  for (const auto& [name, scores] : contestants) {
    if (scores.forecasts > 0) report.records.push_back(record_of(name, kContestant, scores));
  }
  if (panel.forecasts > 0) report.records.push_back(record_of(kPanel, kPanel, panel));
  add_regret(report, pitches);
  return report;
}

std::vector<TrackRecord> track_records(std::span<const ForecastRecord> earlier) {
  std::set<std::string> names;
  for (const ForecastRecord& one : earlier) {
    if (one.role == kShark) names.insert(one.who);
  }
  std::vector<TrackRecord> records;
  for (const std::string& name : names) {
    records.push_back(track_record(name, scores_of(earlier, kShark, name, &ForecastRecord::brier),
                                   scores_of(earlier, kShark, name, &ForecastRecord::interval_score)));
  }
  return records;
}

std::optional<TrackRecord> contestant_record(std::span<const ForecastRecord> earlier, const std::string& contestant) {
  const auto scores = scores_of(earlier, kContestant, contestant, &ForecastRecord::interval_score);
  if (scores.empty()) return std::nullopt;
  TrackRecord record = track_record(contestant, {}, scores);
  record.forecasts = static_cast<int>(scores.size());
  return record;
}

}  // namespace thresher::tank
