// The decision rule, block by block.
#include "measure/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "measure/judge_text.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

void require(bool holds, const char* name, double value, const char* range) {
  if (holds) return;
  throw Error(ErrorCode::invalid_argument, fmt::format("{} = {} in the decision rule must be {}", name, value, range));
}

std::optional<int> later(std::optional<int> a, std::optional<int> b) {
  if (!a || !b) return std::nullopt;
  return std::max(*a, *b);
}

std::optional<int> sooner(std::optional<int> a, std::optional<int> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// How intervals shorten with the blocks: as n^-0.7 from 8 to 60 (tests/measure/coverage_test.cpp prints the widths),
// since with n^-0.5 fall the critical ranks and the widening too.
constexpr double kShortening = 0.7;

// Further blocks until the end of an interval has passed the bar. Nothing when the centre itself is on the wrong side.
// `side` is 1 where the bar must lie below.
std::optional<int> blocks_until_clear(double center, double end, double bar, int blocks, double side) {
  const double gap = side * (center - bar);
  const double reach = side * (center - end);
  if (gap <= 0.0) return std::nullopt;
  if (reach < gap) return 0;
  // Beyond this a projection says "not with this effect".
  constexpr double kFarthest = 100000.0;
  const double further = blocks * (std::pow(reach / gap, 1.0 / kShortening) - 1.0);
  if (further >= kFarthest) return std::nullopt;
  return std::max(1, static_cast<int>(std::ceil(further)));
}

std::optional<int> until_above(const std::optional<Estimate>& at, double bar) {
  if (!at) return 0;
  return blocks_until_clear(at->log_effect, at->interval.low, bar, at->blocks, 1.0);
}

std::optional<int> until_below(const std::optional<Estimate>& at, double bar) {
  if (!at) return 0;
  return blocks_until_clear(at->log_effect, at->interval.high, bar, at->blocks, -1.0);
}

}  // namespace

void DecisionRule::validate() const {
  require(alpha > 0.0 && alpha < 1.0, "alpha", alpha, "in (0, 1)");
  require(case_alpha > 0.0 && case_alpha < 1.0, "case_alpha", case_alpha, "in (0, 1)");
  require(confidence > 0.0 && confidence <= 0.99, "confidence", confidence, "in (0, 0.99]");
  require(std::isfinite(min_gain) && min_gain >= 0.0, "min_gain", min_gain, "finite and >= 0");
  require(std::isfinite(case_margin) && case_margin >= 0.0, "case_margin", case_margin, "finite and >= 0");
  require(min_blocks >= 1, "min_blocks", min_blocks, ">= 1");
  require(max_blocks >= min_blocks, "max_blocks", max_blocks, ">= min_blocks");
}

const char* to_string(Ruling ruling) noexcept {
  switch (ruling) {
    case Ruling::win:
      return "win";
    case Ruling::loss:
      return "loss";
    case Ruling::same:
      return "same";
    case Ruling::ambiguous:
      return "ambiguous";
  }
  return "ambiguous";
}

RunningJudge::RunningJudge(std::vector<std::string> case_names, double noise_floor, const DecisionRule& rule)
    : rule_(rule),
      delta_(std::max(rule.min_gain, noise_floor)),
      margin_(std::max(rule.case_margin, noise_floor)),
      geomean_{{},
               EProcess(Null::effect_at_most, delta_),
               EProcess(Null::effect_at_least, -delta_),
               EProcess(Null::effect_at_least, delta_),
               EProcess(Null::effect_at_most, -delta_)} {
  rule.validate();
  if (!std::isfinite(noise_floor) || noise_floor < 0.0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("noise floor {} must be finite and >= 0; take it from noise_floor()", noise_floor));
  }
  if (case_names.empty()) throw Error(ErrorCode::invalid_argument, "a race without cases; name at least 1");
  for (std::string& name : case_names) {
    race_.cases.push_back({std::move(name), {}});
    cases_.push_back({{}, EProcess(Null::effect_at_least, -margin_), EProcess(Null::effect_at_most, -margin_)});
  }
}

void RunningJudge::add(std::span<const double> log_ratios) {
  if (log_ratios.size() != cases_.size()) {
    throw Error(ErrorCode::invalid_argument, fmt::format("a block of {} log-ratios in a race of {} cases; leave "
                                                         "incomplete blocks out",
                                                         log_ratios.size(), cases_.size()));
  }
  double mean = 0.0;
  for (const double value : log_ratios) {
    if (!std::isfinite(value)) {
      throw Error(ErrorCode::invalid_argument, fmt::format("a log-ratio is {}; leave failed blocks out", value));
    }
    mean += value / static_cast<double>(log_ratios.size());
  }
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    CaseTests& tests = cases_[i];
    const double scale = tests.scale.value();
    tests.worse.add(log_ratios[i], scale);
    tests.not_worse.add(log_ratios[i], scale);
    tests.scale.add(log_ratios[i]);
    race_.cases[i].log_ratios.push_back(log_ratios[i]);
  }
  const double scale = geomean_.scale.value();
  for (EProcess* test : {&geomean_.gain, &geomean_.loss, &geomean_.below_delta, &geomean_.above_delta}) {
    test->add(mean, scale);
  }
  geomean_.scale.add(mean);
}

double RunningJudge::case_loss_level() const {
  return 2.0 * static_cast<double>(cases_.size()) / rule_.alpha;
}

bool RunningJudge::geomean_is_worse() const {
  return geomean_.loss.ever_crossed(2.0 / rule_.alpha);
}

bool RunningJudge::case_is_worse(std::size_t index) const {
  return cases_[index].worse.ever_crossed(case_loss_level());
}

bool RunningJudge::evidence_of_win() const {
  return geomean_.gain.ever_crossed(1.0 / rule_.alpha) &&
         std::all_of(cases_.begin(), cases_.end(),
                     [this](const CaseTests& tests) { return tests.not_worse.ever_crossed(1.0 / rule_.case_alpha); });
}

bool RunningJudge::evidence_of_same() const {
  return geomean_.below_delta.ever_crossed(1.0 / rule_.alpha) && geomean_.above_delta.ever_crossed(1.0 / rule_.alpha);
}

std::optional<Ruling> RunningJudge::pending() const {
  if (blocks() < rule_.min_blocks) return std::nullopt;
  bool any_worse = geomean_is_worse();
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    any_worse = any_worse || case_is_worse(i);
  }
  if (any_worse) return Ruling::loss;
  if (evidence_of_win()) return Ruling::win;
  if (evidence_of_same()) return Ruling::same;
  return std::nullopt;
}

std::optional<int> RunningJudge::blocks_to_win(const Standing& standing) const {
  std::optional<int> most = geomean_.gain.blocks_until(1.0 / rule_.alpha);
  for (const CaseTests& tests : cases_) {
    most = later(most, tests.not_worse.blocks_until(1.0 / rule_.case_alpha));
  }
  if (standing.geomean && standing.geomean->mean_log_effect <= delta_) return std::nullopt;
  return later(most, until_above(standing.geomean, delta_));
}

std::optional<int> RunningJudge::blocks_to_loss(const Standing& standing) const {
  std::optional<int> least =
      later(geomean_.loss.blocks_until(2.0 / rule_.alpha), until_below(standing.geomean, -delta_));
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    least = sooner(least, later(cases_[i].worse.blocks_until(case_loss_level()),
                                until_below(standing.cases[i].estimate, -margin_)));
  }
  return least;
}

std::optional<int> RunningJudge::blocks_to_same(const Standing& standing) const {
  const std::optional<int> evidence =
      later(geomean_.below_delta.blocks_until(1.0 / rule_.alpha), geomean_.above_delta.blocks_until(1.0 / rule_.alpha));
  return later(evidence, later(until_below(standing.geomean, delta_), until_above(standing.geomean, -delta_)));
}

void RunningJudge::rule_on(Standing& standing) const {
  if (standing.blocks < rule_.min_blocks || !standing.geomean) return;
  const Estimate& geomean = *standing.geomean;
  bool lost = geomean_is_worse() && geomean.interval.high < -delta_;
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    lost = lost || (case_is_worse(i) && standing.cases[i].estimate->interval.high < -margin_);
  }
  if (lost) {
    standing.ruling = Ruling::loss;
  } else if (evidence_of_win() && geomean.interval.low > delta_ && geomean.mean_log_effect > delta_) {
    standing.ruling = Ruling::win;
  } else if (evidence_of_same() && geomean.interval.low > -delta_ && geomean.interval.high < delta_) {
    standing.ruling = Ruling::same;
  }
}

Standing RunningJudge::standing() const {
  Standing result;
  result.blocks = blocks();
  result.delta = delta_;
  result.margin = margin_;
  result.evidence = {geomean_.gain.peak(), geomean_.loss.peak(), geomean_.below_delta.peak(),
                     geomean_.above_delta.peak()};
  result.geomean = geomean_estimate(race_, rule_.confidence);
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    const CaseBlocks& blocks_of_case = race_.cases[i];
    result.cases.push_back({blocks_of_case.name, estimate(blocks_of_case.log_ratios, rule_.confidence),
                            cases_[i].worse.peak(), cases_[i].not_worse.peak()});
  }
  rule_on(result);
  if (result.ruling == Ruling::ambiguous) {
    const std::optional<int> projected =
        sooner(blocks_to_win(result), sooner(blocks_to_loss(result), blocks_to_same(result)));
    if (projected) result.more_blocks = std::max({1, *projected, rule_.min_blocks - result.blocks});
  }
  result.why = describe(result, rule_);
  return result;
}

Standing judge(const RaceData& race, double noise_floor, const DecisionRule& rule) {
  race.validate();
  std::vector<std::string> names;
  for (const CaseBlocks& one : race.cases) {
    names.push_back(one.name);
  }
  RunningJudge running(std::move(names), noise_floor, rule);
  std::vector<double> block(race.cases.size());
  for (std::size_t i = 0; i < race.cases.front().log_ratios.size(); ++i) {
    for (std::size_t c = 0; c < block.size(); ++c) {
      block[c] = race.cases[c].log_ratios[i];
    }
    running.add(block);
  }
  return running.standing();
}

}  // namespace thresher::measure
