// Words for a standing: every figure that decided it, and nothing that did not.
#include "measure/judge_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace thresher::measure {
namespace {

std::string percent(double log_effect) {
  return fmt::format("{:+.2f} %", 100.0 * std::expm1(log_effect));
}

std::string effect(const Estimate& estimate, double confidence) {
  return fmt::format("speed {} [{}, {} at {:g} %]", percent(estimate.log_effect), percent(estimate.interval.low),
                     percent(estimate.interval.high), 100.0 * confidence);
}

std::string evidence(double value, double needed) {
  return fmt::format("evidence {:.3g}, {:g} needed", value, needed);
}

std::string describe_win(const Standing& standing, const DecisionRule& rule) {
  return fmt::format("win after {} blocks: {}, above the bar of {} ({}); no case below {}", standing.blocks,
                     effect(*standing.geomean, rule.confidence), percent(standing.delta),
                     evidence(standing.evidence.gain, 1.0 / rule.alpha), percent(-standing.margin));
}

std::string describe_loss(const Standing& standing, const DecisionRule& rule) {
  const double geomean_level = 2.0 / rule.alpha;
  if (standing.evidence.loss >= geomean_level && standing.geomean->interval.high < -standing.delta) {
    return fmt::format("loss after {} blocks: {}, below {} ({})", standing.blocks,
                       effect(*standing.geomean, rule.confidence), percent(-standing.delta),
                       evidence(standing.evidence.loss, geomean_level));
  }
  const double case_level = geomean_level * static_cast<double>(standing.cases.size());
  const CaseStanding* worst = nullptr;
  for (const CaseStanding& one : standing.cases) {
    if (one.e_worse < case_level || !(one.estimate->interval.high < -standing.margin)) continue;
    if (worst == nullptr || one.estimate->log_effect < worst->estimate->log_effect) worst = &one;
  }
  return fmt::format("loss after {} blocks: case {} has {}, below its margin of {} ({}); all cases: {}",
                     standing.blocks, worst->name, effect(*worst->estimate, rule.confidence), percent(-standing.margin),
                     evidence(worst->e_worse, case_level), effect(*standing.geomean, rule.confidence));
}

std::string describe_same(const Standing& standing, const DecisionRule& rule) {
  return fmt::format("no difference after {} blocks: {}, within {} and {} (evidence {:.3g} and {:.3g}, {:g} needed)",
                     standing.blocks, effect(*standing.geomean, rule.confidence), percent(-standing.delta),
                     percent(standing.delta), standing.evidence.above_delta, standing.evidence.below_delta,
                     1.0 / rule.alpha);
}

std::string describe_outlook(const Standing& standing, const DecisionRule& rule) {
  if (standing.blocks >= rule.max_blocks) return fmt::format("undecided at the budget's end of {}", rule.max_blocks);
  if (!standing.more_blocks) return "no decision in sight at this effect and spread";
  if (standing.blocks + *standing.more_blocks > rule.max_blocks) {
    return fmt::format("about {} more blocks to a decision, beyond the budget of {}", *standing.more_blocks,
                       rule.max_blocks);
  }
  return fmt::format("about {} more blocks to a decision", *standing.more_blocks);
}

std::string describe_ambiguous(const Standing& standing, const DecisionRule& rule) {
  const std::string found = standing.geomean ? effect(*standing.geomean, rule.confidence) : "too few for an interval";
  std::string text = fmt::format("ambiguous after {} blocks: {}, the bar is {} ({} for a gain, {:.3g} for a loss)",
                                 standing.blocks, found, percent(standing.delta),
                                 evidence(standing.evidence.gain, 1.0 / rule.alpha), standing.evidence.loss);
  // The surprises worth words: a typical gain that the mean denies or a single case holds back.
  if (standing.evidence.gain >= 1.0 / rule.alpha) {
    if (standing.geomean && standing.geomean->mean_log_effect <= standing.delta) {
      text += fmt::format("; a few blocks are so slow that the mean is {}", percent(standing.geomean->mean_log_effect));
    }
    for (const CaseStanding& one : standing.cases) {
      if (one.e_not_worse >= 1.0 / rule.case_alpha) continue;
      text += fmt::format("; case {} is not yet shown to be above {} ({})", one.name, percent(-standing.margin),
                          evidence(one.e_not_worse, 1.0 / rule.case_alpha));
    }
  }
  return text + "; " + describe_outlook(standing, rule);
}

}  // namespace

std::string describe(const Standing& standing, const DecisionRule& rule) {
  switch (standing.ruling) {
    case Ruling::win:
      return describe_win(standing, rule);
    case Ruling::loss:
      return describe_loss(standing, rule);
    case Ruling::same:
      return describe_same(standing, rule);
    case Ruling::ambiguous:
      return describe_ambiguous(standing, rule);
  }
  return describe_ambiguous(standing, rule);
}

}  // namespace thresher::measure
