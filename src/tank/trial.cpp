// A pitch's way through the gates of its test plan.
#include "tank/trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "tank/event_json.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Verdict verdict_of(measure::FailureKind kind) {
  switch (kind) {
    case measure::FailureKind::invalid:
      return Verdict::invalid;
    case measure::FailureKind::impossible:
      return Verdict::impossible;
    case measure::FailureKind::error:
      break;
  }
  return Verdict::error;
}

Verdict verdict_of(measure::Ruling ruling) {
  switch (ruling) {
    case measure::Ruling::win:
      return Verdict::win;
    case measure::Ruling::loss:
      return Verdict::loss;
    case measure::Ruling::same:
      return Verdict::same;
    case measure::Ruling::ambiguous:
      break;
  }
  return Verdict::ambiguous;
}

std::string subject(const std::string& pitch, const std::string& step) {
  return pitch + "/" + step;
}

// A gate with the outcome that it led to, in one event: a crash between the two can't lose half of it.
void record_gate(Ledger& ledger, const std::string& pitch, const GateRecord& gate,
                 const std::optional<Outcome>& outcome, const std::optional<double>& promise) {
  Json data = event_json(gate);
  data["outcome"] = outcome ? event_json(*outcome) : Json(nullptr);
  data["promise"] = promise ? Json(*promise) : Json(nullptr);
  ledger.append("gate", subject(pitch, gate.step), data);
}

struct StepResult {
  GateRecord gate;
  std::optional<Outcome> outcome;
  std::optional<double> promise;
};

std::optional<StepResult> recorded_step(const Ledger& ledger, const std::string& pitch, const std::string& step) {
  const std::optional<Event> event = ledger.find("gate", subject(pitch, step));
  if (!event) return std::nullopt;
  StepResult result{.gate = gate_from(event->data), .outcome = std::nullopt, .promise = std::nullopt};
  if (!event->data.at("outcome").is_null()) result.outcome = outcome_from(event->data.at("outcome"));
  if (!event->data.at("promise").is_null()) result.promise = event->data.at("promise").get<double>();
  return result;
}

StepResult run_config(const TrialSetting& setting, const Contender& contender) {
  StepResult result;
  const auto failure = setting.executor->admit(contender.candidate, setting.cases);
  result.gate.passed = !failure;
  result.gate.finding = failure ? failure->reason : fmt::format("accepted on all {} cases", setting.cases.size());
  if (failure) result.outcome = failed_outcome(contender.pitch, result.gate.step, *failure);
  return result;
}

StepResult run_observable(const TrialSetting& setting, const Contender& contender, const ObservableClaim& claim) {
  StepResult result;
  const ClaimCheck check = check_claim(claim, setting.baseline, contender.observables);
  result.gate.passed = check.holds;
  result.gate.finding = check.finding;
  if (!check.holds) {
    result.outcome = Outcome{};
    result.outcome->pitch = contender.pitch;
    result.outcome->verdict = Verdict::invalid;
    result.outcome->reason = "the pitch's own test plan asks for what the kernel does not show: " + check.finding;
  }
  return result;
}

StepResult run_correctness(const TrialSetting& setting, const Contender& contender) {
  StepResult result;
  // The cheapest case only: in races every timed output of every case is checked.
  const measure::CheckOutcome check =
      setting.executor->check(contender.candidate, std::span(setting.by_cost).first(1),
                              fresh_seed(*setting.ledger, contender.pitch + "/correctness"));
  result.gate.passed = !check.failure;
  result.gate.finding = check.failure ? check.failure->reason
                                      : fmt::format("{} problems, {} elements right, largest relative error {:.1e}",
                                                    check.problems, check.elements, check.max_rel_err);
  if (check.failure) result.outcome = failed_outcome(contender.pitch, result.gate.step, *check.failure);
  return result;
}

std::vector<catalog::Case> cases_of(const TrialSetting& setting, const TestStep& step) {
  if (step.cases.empty()) return {setting.by_cost.front()};
  std::vector<catalog::Case> cases;
  for (const std::string& name : step.cases)
    cases.push_back(catalog::find_case(setting.cases, name));
  return cases;
}

StepResult run_short_race(const TrialSetting& setting, const Contender& contender, const TestStep& step,
                          double max_seconds) {
  const RaceTerms terms{.step = to_string(TestStepKind::short_race),
                        .cases = cases_of(setting, step),
                        .max_blocks = std::max(setting.rules->short_race_blocks, setting.rules->decision.max_blocks),
                        .max_seconds = max_seconds,
                        .short_blocks = setting.rules->short_race_blocks};
  RacedOutcome raced = run_race_gate(setting, contender, terms);
  StepResult result{.gate = raced.gate, .outcome = std::nullopt, .promise = std::nullopt};
  if (raced.outcome.speed_up) result.promise = std::log(*raced.outcome.speed_up);
  result.gate.passed = may_still_win(raced.outcome, setting.noise_floor, setting.rules->decision);
  if (!result.gate.passed) {
    if (raced.outcome.verdict == Verdict::ambiguous)
      raced.outcome.reason += " It can hardly win any more, so the full race is not run.";
    result.outcome = raced.outcome;
  }
  return result;
}

StepResult run_step(const TrialSetting& setting, const Contender& contender, const TestStep& step,
                    const std::string& name, double max_seconds) {
  setting.observer->stage(fmt::format("{}: {}", contender.pitch, name));
  switch (step.kind) {
    case TestStepKind::config:
      return run_config(setting, contender);
    case TestStepKind::observable:
      return run_observable(setting, contender, step.claim.value());
    case TestStepKind::correctness:
      return run_correctness(setting, contender);
    case TestStepKind::short_race:
      return run_short_race(setting, contender, step, max_seconds);
    case TestStepKind::full_race:
      break;
  }
  throw Error(ErrorCode::internal, "a full race is not one of the cheap gates");
}

// Steps of one kind are told apart by a number: observable, observable-2, ...
std::string name_of(const std::vector<TestStep>& steps, std::size_t index) {
  const auto kind = steps[index].kind;
  const auto earlier = std::count_if(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(index),
                                     [kind](const TestStep& step) { return step.kind == kind; });
  return earlier == 0 ? to_string(kind) : fmt::format("{}-{}", to_string(kind), earlier + 1);
}

std::vector<CaseResult> case_results(const RaceResult& race, const measure::Standing& standing) {
  std::vector<CaseResult> results;
  for (std::size_t i = 0; i < race.times.size(); ++i) {
    CaseResult result{.case_name = race.times[i].case_name,
                      .before_seconds = race.times[i].incumbent_seconds,
                      .after_seconds = race.times[i].candidate_seconds,
                      .speed_up = race.times[i].incumbent_seconds / race.times[i].candidate_seconds,
                      .low = std::nullopt,
                      .high = std::nullopt,
                      .blocks = race.blocks()};
    const auto median = measure::hodges_lehmann(race.data.cases[i].log_ratios);
    if (median) result.speed_up = std::exp(*median);
    if (const auto& estimate = standing.cases[i].estimate) {
      result.low = std::exp(estimate->interval.low);
      result.high = std::exp(estimate->interval.high);
    }
    results.push_back(result);
  }
  return results;
}

bool may_still_win(const measure::Standing& standing, double noise_floor, const measure::DecisionRule& rule) {
  if (standing.ruling == measure::Ruling::win) return true;
  if (standing.ruling != measure::Ruling::ambiguous) return false;
  return !standing.geomean || standing.geomean->interval.high > std::max(rule.min_gain, noise_floor);
}

}  // namespace

bool may_still_win(const Outcome& outcome, double noise_floor, const measure::DecisionRule& rule) {
  if (outcome.verdict == Verdict::win) return true;
  if (outcome.verdict != Verdict::ambiguous) return false;
  return !outcome.high || std::log(*outcome.high) > std::max(rule.min_gain, noise_floor);
}

std::vector<TestStep> gates_of(const Pitch& pitch) {
  std::vector<TestStep> steps = pitch.test_plan;
  for (const TestStepKind kind :
       {TestStepKind::config, TestStepKind::correctness, TestStepKind::short_race, TestStepKind::full_race}) {
    const bool listed = std::any_of(steps.begin(), steps.end(), [kind](const TestStep& s) { return s.kind == kind; });
    if (!listed) steps.push_back({.kind = kind, .cases = {}, .claim = std::nullopt});
  }
  std::stable_sort(steps.begin(), steps.end(), [](const TestStep& a, const TestStep& b) { return a.kind < b.kind; });
  return steps;
}

CheapTrial run_cheap_gates(const TrialSetting& setting, const Pitch& pitch, const Contender& contender,
                           double max_seconds) {
  CheapTrial trial;
  const std::vector<TestStep> steps = gates_of(pitch);
  for (std::size_t i = 0; i < steps.size() && steps[i].kind != TestStepKind::full_race; ++i) {
    const std::string name = name_of(steps, i);
    std::optional<StepResult> result = recorded_step(*setting.ledger, pitch.id, name);
    if (!result) {
      const Clock::time_point start = Clock::now();
      result = run_step(setting, contender, steps[i], name, max_seconds);
      result->gate.step = name;
      result->gate.seconds = seconds_since(start);
      if (result->outcome) result->outcome->stopped_at = name;
      record_gate(*setting.ledger, pitch.id, result->gate, result->outcome, result->promise);
    }
    trial.gates.push_back(result->gate);
    if (result->promise) trial.promise = result->promise;
    if (result->outcome) {
      trial.outcome = result->outcome;
      break;
    }
  }
  return trial;
}

RacedOutcome run_race_gate(const TrialSetting& setting, const Contender& contender, const RaceTerms& terms) {
  const Clock::time_point start = Clock::now();
  setting.observer->stage(fmt::format("{}: {}", contender.pitch, terms.step));
  const measure::DecisionRule& rule = setting.rules->decision;
  const auto decided = [&](const measure::RaceData& data) {
    const bool long_enough = terms.short_blocks && data.blocks() >= *terms.short_blocks;
    if (data.blocks() < rule.min_blocks && !long_enough) return false;
    const measure::Standing standing = measure::judge(data, setting.noise_floor, rule);
    return standing.ruling != measure::Ruling::ambiguous ||
           (long_enough && may_still_win(standing, setting.noise_floor, rule));
  };
  const RaceResult race =
      run_race(*setting.executor, *setting.ledger,
               {.name = subject(contender.pitch, terms.step),
                .incumbent = contender.incumbent,
                .candidate = contender.candidate,
                .cases = terms.cases,
                .max_blocks = terms.max_blocks,
                .max_seconds = terms.max_seconds,
                .min_blocks = std::min(rule.min_blocks, terms.short_blocks.value_or(terms.max_blocks)),
                .decided = decided},
               *setting.observer);
  RacedOutcome raced;
  raced.outcome = outcome_of(contender.pitch, terms.step, race, setting.noise_floor, rule);
  raced.gate = {.step = terms.step,
                .passed = raced.outcome.verdict == Verdict::win,
                .finding = raced.outcome.reason,
                .seconds = seconds_since(start)};
  return raced;
}

Outcome failed_outcome(const std::string& pitch, const std::string& step, const measure::Failure& failure) {
  Outcome outcome;
  outcome.pitch = pitch;
  outcome.verdict = verdict_of(failure.kind);
  outcome.stopped_at = step;
  outcome.reason = failure.reason;
  return outcome;
}

Outcome outcome_of(const std::string& pitch, const std::string& step, const RaceResult& race, double noise_floor,
                   const measure::DecisionRule& rule) {
  if (race.failure) {
    measure::Failure failure = *race.failure;
    // The incumbent is our own kernel: whatever stops it is not the pitch's fault.
    if (race.failed_side == measure::Side::incumbent) {
      failure = {.kind = measure::FailureKind::error, .reason = "the incumbent failed: " + failure.reason};
    }
    return failed_outcome(pitch, step, failure);
  }
  Outcome outcome;
  outcome.pitch = pitch;
  outcome.stopped_at = step;
  if (race.blocks() == 0) {
    outcome.verdict = Verdict::ambiguous;
    outcome.reason = "the budget ended before the first block";
    return outcome;
  }
  const measure::Standing standing = measure::judge(race.data, noise_floor, rule);
  outcome.verdict = verdict_of(standing.ruling);
  outcome.reason = standing.why;
  outcome.cases = case_results(race, standing);
  outcome.more_blocks = standing.more_blocks;
  if (standing.geomean) {
    outcome.speed_up = std::exp(standing.geomean->log_effect);
    outcome.low = std::exp(standing.geomean->interval.low);
    outcome.high = std::exp(standing.geomean->interval.high);
  } else if (const auto effect = measure::hodges_lehmann(measure::geomean_log_ratios(race.data))) {
    outcome.speed_up = std::exp(*effect);
  }
  return outcome;
}

}  // namespace thresher::tank
