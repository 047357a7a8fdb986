// The gates of a pitch, and the outcome that a race's data gives.
#include "tank/trial.hpp"

#include <cmath>

#include "small_round.hpp"

namespace thresher::tank {
namespace {

std::vector<TestStepKind> kinds(const Pitch& pitch) {
  std::vector<TestStepKind> found;
  for (const TestStep& step : gates_of(pitch))
    found.push_back(step.kind);
  return found;
}

TEST(Trial, AddsTheGatesThatEveryPitchMustPassAndSortsByCost) {
  using enum TestStepKind;
  Pitch pitch;
  ObservableClaim a;
  a.observable = "a";
  ObservableClaim b;
  b.observable = "b";
  EXPECT_EQ(kinds(pitch), (std::vector{config, correctness, short_race, full_race}));
  pitch.test_plan = {{.kind = full_race, .cases = {}, .claim = {}},
                     {.kind = observable, .cases = {}, .claim = a},
                     {.kind = short_race, .cases = {"x"}, .claim = {}},
                     {.kind = observable, .cases = {}, .claim = b}};
  EXPECT_EQ(kinds(pitch), (std::vector{config, observable, observable, correctness, short_race, full_race}));
  EXPECT_EQ(gates_of(pitch)[1].claim->observable, "a");
  EXPECT_EQ(gates_of(pitch)[4].cases, std::vector<std::string>{"x"});
}

RaceResult race_of(std::vector<double> log_ratios) {
  RaceResult race;
  race.data.cases = {{.name = "x", .log_ratios = std::move(log_ratios)}};
  race.times = {{.case_name = "x", .incumbent_seconds = 1.0, .candidate_seconds = 0.9}};
  return race;
}

std::vector<double> around(double effect, int blocks) {
  std::vector<double> values;
  for (int i = 0; i < blocks; ++i)
    values.push_back(effect + 0.002 * (i % 3 - 1));
  return values;
}

TEST(Trial, TheOutcomeFollowsFromTheBlocks) {
  const measure::DecisionRule rule;
  EXPECT_EQ(outcome_of("p", "s", race_of(around(0.08, 20)), 0.005, rule).verdict, Verdict::win);
  EXPECT_EQ(outcome_of("p", "s", race_of(around(-0.08, 20)), 0.005, rule).verdict, Verdict::loss);
  EXPECT_EQ(outcome_of("p", "s", race_of(around(0.0, 40)), 0.01, rule).verdict, Verdict::same);
  const Outcome few = outcome_of("p", "s", race_of(around(0.08, 6)), 0.005, rule);
  EXPECT_EQ(few.verdict, Verdict::ambiguous);
  EXPECT_TRUE(few.more_blocks);
  EXPECT_EQ(few.cases.size(), 1u);
  const Outcome none = outcome_of("p", "s", race_of({}), 0.005, rule);
  EXPECT_EQ(none.verdict, Verdict::ambiguous);
  EXPECT_FALSE(none.speed_up) << "no block, no figure";
}

TEST(Trial, AFailureIsTheCandidatesUnlessTheIncumbentFailed) {
  RaceResult race = race_of(around(0.5, 20));
  for (const auto& [kind, verdict] : {std::pair(measure::FailureKind::invalid, Verdict::invalid),
                                      std::pair(measure::FailureKind::impossible, Verdict::impossible),
                                      std::pair(measure::FailureKind::error, Verdict::error)}) {
    race.failure = measure::Failure{kind, "why"};
    race.failed_side = measure::Side::candidate;
    EXPECT_EQ(outcome_of("p", "s", race, 0.0, {}).verdict, verdict);
    race.failed_side = measure::Side::incumbent;
    EXPECT_EQ(outcome_of("p", "s", race, 0.0, {}).verdict, Verdict::error);
    EXPECT_NE(outcome_of("p", "s", race, 0.0, {}).reason.find("incumbent"), std::string::npos);
  }
}

TEST(Trial, AShortRaceGoesOnOnlyForWhoCanHardlyWin) {
  const auto blocks_of = [](double effect) {
    SmallRound round;
    round.rules = replaced(round.rules, "short_race = 16", "short_race = 6");
    round.add({.id = "one", .config = "block_m=256"}, effect);
    round.write();
    round.run();
    const Ledger ledger(ledger_file(round.path()), Ledger::Mode::read);
    return read_race(ledger, "one/short_race", {"g2-k1536"}).blocks();
  };
  EXPECT_EQ(blocks_of(0.05), 6);
  EXPECT_GT(blocks_of(-0.05), 8);
}

TEST(Trial, WhoMayStillWin) {
  const measure::DecisionRule rule;
  const auto may = [&](Verdict verdict, std::optional<double> high) {
    Outcome outcome;
    outcome.verdict = verdict;
    outcome.high = high;
    return may_still_win(outcome, 0.01, rule);
  };
  EXPECT_TRUE(may(Verdict::win, 1.2));
  EXPECT_TRUE(may(Verdict::ambiguous, std::nullopt));
  EXPECT_TRUE(may(Verdict::ambiguous, 1.02));
  EXPECT_FALSE(may(Verdict::ambiguous, 1.009)) << "within the noise floor";
  for (const Verdict verdict : {Verdict::loss, Verdict::same, Verdict::invalid, Verdict::impossible, Verdict::error})
    EXPECT_FALSE(may(verdict, 1.5)) << to_string(verdict);
}

}  // namespace
}  // namespace thresher::tank
