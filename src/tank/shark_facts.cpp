// Readings of a brief, and how beliefs become forecasts.
#include "tank/shark_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace thresher::tank {
namespace {

// Of the normal distribution: 80 % of it lies within this many standard deviations.
constexpr double kEighty = 1.2815515594;

// Nobody knows a speed-up better than this before measuring it. An opinion, like the prices of the sharks.
constexpr double kLeastSpread = 0.02;

template <typename List, typename Wanted>
auto* find_case(const List& list, const Wanted& name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.case_name == name; });
  return found == list.end() ? nullptr : &*found;
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool holds(const Brief& brief, std::size_t item) {
  return brief.pitch->evidence[item].kind == EvidenceKind::kernel_specific && item < brief.evidence.size() &&
         brief.evidence[item].holds;
}

const Judgement& pick(const Opinion& opinion, Topic topic) {
  switch (topic) {
    case Topic::gain:
      return opinion.gain;
    case Topic::soundness:
      return opinion.soundness;
    case Topic::feasibility:
      return opinion.feasibility;
    case Topic::specificity:
      return opinion.specificity;
    case Topic::risk:
      return opinion.risk;
    case Topic::testing:
    case Topic::other:
      return opinion.testing;
  }
  return opinion.testing;
}

double cut(double score) {
  return std::clamp(score, 0.0, 10.0);
}

Judgement mean_of(const Opinion& opinion, const std::string& criterion) {
  const std::array<const Judgement*, 6> all{&opinion.gain,        &opinion.soundness, &opinion.feasibility,
                                            &opinion.specificity, &opinion.risk,      &opinion.testing};
  double sum = 0.0;
  for (const Judgement* one : all) {
    sum += cut(one->score);
  }
  const double mean = sum / static_cast<double>(all.size());
  return {.score = mean,
          .reason = fmt::format("no measure for '{}' of its own: {:.1f} is the mean of the six that there are",
                                criterion, mean)};
}

}  // namespace

std::optional<double> CaseView::before(std::string_view observable) const {
  return facts->baseline.find(observable);
}

std::optional<double> CaseView::after(std::string_view observable) const {
  return candidate == nullptr ? std::nullopt : candidate->find(observable);
}

std::vector<CaseView> views_of(const Brief& brief) {
  std::vector<CaseView> views;
  for (const CaseFacts& facts : brief.cases) {
    CaseView view{.facts = &facts,
                  .candidate = find_case(brief.candidate, facts.one.name),
                  .prediction = find_case(brief.pitch->predictions, facts.one.name),
                  .headroom = {}};
    if (facts.baseline_seconds && facts.floor_seconds > 0.0) {
      view.headroom = *facts.baseline_seconds / facts.floor_seconds;
    }
    views.push_back(view);
  }
  return views;
}

Claim claim_of(const std::vector<CaseView>& views) {
  Claim claim;
  for (const CaseView& view : views) {
    if (view.prediction == nullptr) continue;
    ++claim.predicted;
    claim.low += std::log(view.prediction->low);
    claim.high += std::log(view.prediction->high);
  }
  if (views.empty()) return claim;
  const double count = static_cast<double>(views.size());
  claim.low /= count;
  claim.high /= count;
  claim.middle = (claim.low + claim.high) / 2.0;
  return claim;
}

std::optional<double> log_headroom(const std::vector<CaseView>& views) {
  double sum = 0.0;
  for (const CaseView& view : views) {
    if (!view.headroom) return std::nullopt;
    sum += std::log(*view.headroom);
  }
  if (views.empty()) return std::nullopt;
  return sum / static_cast<double>(views.size());
}

EvidenceCount count_evidence(const Brief& brief, std::string_view criterion) {
  EvidenceCount count;
  for (std::size_t i = 0; i < brief.pitch->evidence.size(); ++i) {
    const EvidenceItem& item = brief.pitch->evidence[i];
    if (!criterion.empty() && item.criterion != criterion) continue;
    (item.kind == EvidenceKind::generic ? count.generic : count.specific) += 1;
    if (holds(brief, i)) ++count.holding;
  }
  return count;
}

int holding_about(const Brief& brief, const std::vector<std::string_view>& observables) {
  int count = 0;
  for (std::size_t i = 0; i < brief.pitch->evidence.size(); ++i) {
    const auto& claim = brief.pitch->evidence[i].claim;
    if (holds(brief, i) && claim && contains(observables, claim->observable)) ++count;
  }
  return count;
}

bool plan_observes(const Pitch& pitch, const std::vector<std::string_view>& observables) {
  return std::any_of(pitch.test_plan.begin(), pitch.test_plan.end(), [&](const TestStep& step) {
    return step.kind == TestStepKind::observable && step.claim && contains(observables, step.claim->observable);
  });
}

int plan_count(const Pitch& pitch, TestStepKind kind) {
  return static_cast<int>(std::count_if(pitch.test_plan.begin(), pitch.test_plan.end(),
                                        [&](const TestStep& step) { return step.kind == kind; }));
}

Topic topic_of(std::string_view criterion) {
  // In this order: "kernel_specific_risk" is about risk, "incremental_testing" about testing.
  static constexpr std::array<std::pair<std::string_view, Topic>, 14> kWords{{{"risk", Topic::risk},
                                                                              {"test", Topic::testing},
                                                                              {"increment", Topic::testing},
                                                                              {"specific", Topic::specificity},
                                                                              {"evidence", Topic::specificity},
                                                                              {"gain", Topic::gain},
                                                                              {"impact", Topic::gain},
                                                                              {"speed", Topic::gain},
                                                                              {"sound", Topic::soundness},
                                                                              {"mechanism", Topic::soundness},
                                                                              {"correct", Topic::soundness},
                                                                              {"feasib", Topic::feasibility},
                                                                              {"effort", Topic::feasibility},
                                                                              {"complex", Topic::feasibility}}};
  for (const auto& [word, topic] : kWords) {
    if (criterion.find(word) != std::string_view::npos) return topic;
  }
  return Topic::other;
}

Attempts attempts_in(std::span<const Lesson> history, std::optional<Category> category) {
  std::set<std::pair<std::string, std::string>> seen;
  Attempts attempts;
  for (const Lesson& lesson : history) {
    if (category && lesson.category != category) continue;
    if (!seen.emplace(lesson.round, lesson.pitch).second) continue;
    (lesson.verdict == Verdict::win ? attempts.wins : attempts.others) += 1;
  }
  return attempts;
}

double prior_odds(std::span<const Lesson> history) {
  const Attempts all = attempts_in(history, std::nullopt);
  return (all.wins + 1.0) / (all.others + 1.0);
}

Belief starting_belief(const Brief& brief, const std::vector<CaseView>& views) {
  const Claim claim = claim_of(views);
  const auto headroom = log_headroom(views);
  return {.odds = prior_odds(brief.history),
          .works = headroom ? std::min(claim.middle, std::max(0.0, *headroom)) : claim.middle,
          .fails = 0.0,
          .spread = std::max(kLeastSpread, (claim.high - claim.low) / 2.0 / kEighty)};
}

Forecast forecast_of(const Belief& belief) {
  // Not 0 and not 1: a measurement may surprise anybody, and a certain shark could never be told apart from a lucky
  // one.
  const double p = std::clamp(belief.odds / (1.0 + belief.odds), 0.005, 0.98);
  const double mean = p * belief.works + (1.0 - p) * belief.fails;
  const double between = belief.works - belief.fails;
  const double deviation = std::sqrt(p * (1.0 - p) * between * between + belief.spread * belief.spread);
  return {.p_win = p, .low = std::exp(mean - kEighty * deviation), .high = std::exp(mean + kEighty * deviation)};
}

Assessment assess_as(const std::string& shark, const Brief& brief, const Opinion& opinion, const Forecast& forecast,
                     std::vector<std::string> remarks) {
  Assessment assessment{
      .shark = shark, .scores = {}, .forecast = forecast, .remarks = std::move(remarks), .failure = {}};
  for (const Criterion& criterion : brief.rules->criteria) {
    const Topic topic = topic_of(criterion.name);
    const Judgement judgement = topic == Topic::other ? mean_of(opinion, criterion.name) : pick(opinion, topic);
    assessment.scores.push_back(
        {.criterion = criterion.name, .score = cut(judgement.score), .reason = judgement.reason});
  }
  return assessment;
}

Judgement judge_specificity(const Brief& brief, const std::string& lens, int about_lens) {
  const EvidenceCount count = count_evidence(brief, "");
  const int broken = count.specific - count.holding;
  // The first item that holds is worth most: it shows that somebody looked at this kernel at all.
  const double shown = count.holding == 0 ? 1.0 : std::min(8.0, 4.0 + 1.5 * count.holding);
  const double score = shown + (about_lens > 0 ? 2.0 : 0.0) - 2.0 * broken;
  return {.score = score,
          .reason = fmt::format("{} of {} kernel-specific items hold ({} about {}), beside {} generic", count.holding,
                                count.specific, about_lens, lens, count.generic)};
}

std::string speed_up_text(double log_effect) {
  return fmt::format("{:.2f}x", std::exp(log_effect));
}

std::string bytes_text(double bytes) {
  if (bytes < 1024.0) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1024.0 * 1024.0) return fmt::format("{:.1f} KiB", bytes / 1024.0);
  return fmt::format("{:.1f} MiB", bytes / (1024.0 * 1024.0));
}

}  // namespace thresher::tank
