// Error rates and power of the judge over thousands of simulated races with known truth, judged after every block.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <vector>

#include "measure/judge.hpp"
#include "synthetic_race.hpp"

namespace thresher::measure {
namespace {

using Gains = std::vector<double>;

std::vector<std::string> names_of(const Gains& gains) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < gains.size(); ++c) {
    names.push_back("case-" + std::to_string(c));
  }
  return names;
}

// What judging after every block ever said in one race that nobody stopped: blocks at the first of each ruling.
struct Looks {
  std::optional<int> win, loss, same;
};

Looks look_always(std::uint64_t seed, const MachineNoise& noise, const Gains& gains, const DecisionRule& rule,
                  bool same_matters) {
  SyntheticMachine machine(seed, noise);
  RunningJudge judge(names_of(gains), 0.0, rule);
  Looks looks;
  while (judge.blocks() < rule.max_blocks) {
    judge.add(machine.block(gains));
    const std::optional<Ruling> pending = judge.pending();
    // NOTE: where "same" is right its evidence stays for dozens of blocks, and their intervals would cost minutes.
    if (!pending || (*pending == Ruling::same && (looks.same || !same_matters))) continue;
    const Ruling ruling = judge.standing().ruling;
    if (ruling == Ruling::win && !looks.win) looks.win = judge.blocks();
    if (ruling == Ruling::loss && !looks.loss) looks.loss = judge.blocks();
    if (ruling == Ruling::same && !looks.same) looks.same = judge.blocks();
    if (looks.win || looks.loss) break;
  }
  return looks;
}

// The first ruling, where a runner would stop.
struct Verdicts {
  int races = 0;
  int wins = 0;
  int losses = 0;
  int sames = 0;
  std::vector<int> blocks;  // of decided races

  [[nodiscard]] double share(int count) const { return static_cast<double>(count) / races; }
  [[nodiscard]] int median_blocks() const {
    std::vector<int> sorted = blocks;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }
};

Verdicts run_races(int races, std::uint64_t first_seed, const MachineNoise& noise, const Gains& gains,
                   const DecisionRule& rule, const char* what) {
  Verdicts verdicts;
  verdicts.races = races;
  for (int i = 0; i < races; ++i) {
    SyntheticMachine machine(first_seed + static_cast<std::uint64_t>(i), noise);
    RunningJudge judge(names_of(gains), 0.0, rule);
    while (judge.blocks() < rule.max_blocks) {
      judge.add(machine.block(gains));
      if (!judge.pending()) continue;
      const Ruling ruling = judge.standing().ruling;
      if (ruling == Ruling::ambiguous) continue;
      verdicts.wins += ruling == Ruling::win ? 1 : 0;
      verdicts.losses += ruling == Ruling::loss ? 1 : 0;
      verdicts.sames += ruling == Ruling::same ? 1 : 0;
      verdicts.blocks.push_back(judge.blocks());
      break;
    }
  }
  std::cout << what << ": win " << 100.0 * verdicts.share(verdicts.wins) << " %, loss "
            << 100.0 * verdicts.share(verdicts.losses) << " %, same " << 100.0 * verdicts.share(verdicts.sames)
            << " %, blocks to a verdict (median) " << verdicts.median_blocks() << "\n";
  return verdicts;
}

struct ErrorRates {
  double win = 0.0;
  double loss = 0.0;
  double same = 0.0;
};

ErrorRates error_rates(int races, std::uint64_t first_seed, const MachineNoise& noise, const Gains& gains,
                       const DecisionRule& rule, bool same_matters, const char* what) {
  ErrorRates rates;
  for (int i = 0; i < races; ++i) {
    const Looks looks = look_always(first_seed + static_cast<std::uint64_t>(i), noise, gains, rule, same_matters);
    rates.win += looks.win ? 1.0 / races : 0.0;
    rates.loss += looks.loss ? 1.0 / races : 0.0;
    rates.same += looks.same ? 1.0 / races : 0.0;
  }
  std::cout << what << ": ever win " << 100.0 * rates.win << " %, ever loss " << 100.0 * rates.loss << " %";
  if (same_matters) std::cout << ", ever same " << 100.0 * rates.same << " %";
  std::cout << "\n";
  return rates;
}

TEST(JudgeErrors, EqualKernelsSeldomWinOrLoseThoughJudgedAfterEveryBlock) {
  for (const MachineNoise& noise : {calm_machine(), restless_machine()}) {
    const ErrorRates rates = error_rates(2000, 1000, noise, {0.0, 0.0, 0.0, 0.0}, {}, false, "A/A, 4 cases");
    EXPECT_LE(rates.win, 0.01);
    EXPECT_LE(rates.loss, 0.01);
  }
}

// The hardest null: the true effect is exactly the bar, so only the e-process stands between noise and a verdict.
TEST(JudgeErrors, AnEffectExactlyAtTheBarSeldomWinsOrLoses) {
  const DecisionRule no_bar = {.min_gain = 0.0};
  const ErrorRates none = error_rates(2000, 11000, restless_machine(), {0.0}, no_bar, false, "A/A, 1 case, bar 0");
  EXPECT_LE(none.win, 0.01);
  EXPECT_LE(none.loss, 0.01);
  const ErrorRates at_bar = error_rates(2000, 21000, calm_machine(), {0.005}, {}, true, "+0.5 %, exactly the bar");
  EXPECT_LE(at_bar.win, 0.01);
  EXPECT_LE(at_bar.same, 0.01);
}

// The simulation has teeth: what a test of fixed size, looked at after every block, makes of the same equal kernels.
TEST(JudgeErrors, AOnePercentTestOfFixedSizeErrsSeveralTimesMoreOftenWhenPeeking) {
  int wins = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SyntheticMachine machine(1000 + seed, calm_machine());
    double sum = 0.0;
    double squares = 0.0;
    bool won = false;
    for (int n = 1; n <= 60; ++n) {
      const double value = machine.block({0.0}).front();
      sum += value;
      squares += value * value;
      if (n < 8) continue;
      const double deviation = std::sqrt((squares - sum * sum / n) / (n - 1));
      // Student's one-sided 1 % for n - 1 degrees of freedom, from the normal quantile (Cornish and Fisher).
      const double quantile = 2.3263 + 3.7290 / (n - 1) + 5.7156 / ((n - 1.0) * (n - 1.0));
      won = won || sum / n > quantile * deviation / std::sqrt(n);
    }
    wins += won ? 1 : 0;
  }
  std::cout << "A/A, t test at every block: ever win " << wins / 20.0 << " %\n";
  EXPECT_GE(wins, 80);
}

TEST(JudgePower, AGainOfThreePercentWinsWithinTheBudget) {
  const Verdicts one = run_races(500, 31000, calm_machine(), {0.03}, {}, "+3 %, 1 case");
  EXPECT_GE(one.share(one.wins), 0.95);
  EXPECT_LE(one.median_blocks(), 12);
  const Verdicts four = run_races(500, 32000, calm_machine(), {0.03, 0.03, 0.03, 0.03}, {}, "+3 %, 4 cases");
  EXPECT_GE(four.share(four.wins), 0.95);
  EXPECT_LE(four.median_blocks(), 12);
  const Verdicts restless =
      run_races(500, 33000, restless_machine(), {0.03, 0.03, 0.03, 0.03}, {}, "+3 %, 4 cases, restless machine");
  EXPECT_GE(restless.share(restless.wins), 0.95);
}

TEST(JudgePower, ALossOfThreePercentLosesWithinTheBudget) {
  const Verdicts one = run_races(500, 41000, calm_machine(), {-0.03}, {}, "-3 %, 1 case");
  EXPECT_GE(one.share(one.losses), 0.95);
  EXPECT_EQ(one.wins, 0);
  const Verdicts restless =
      run_races(500, 42000, restless_machine(), {-0.03, -0.03, -0.03, -0.03}, {}, "-3 %, 4 cases, restless machine");
  EXPECT_GE(restless.share(restless.losses), 0.95);
  EXPECT_EQ(restless.wins, 0);
}

TEST(JudgePower, EqualKernelsMostlyEndAsTheSame) {
  const DecisionRule rule = {.min_gain = 0.01};
  const Verdicts one = run_races(500, 51000, calm_machine(), {0.0}, rule, "equal, 1 case, bar 1 %");
  EXPECT_GE(one.share(one.sames), 0.8);
  EXPECT_LE(one.wins, 5);
  const Verdicts four = run_races(500, 52000, restless_machine(), {0.0, 0.0, 0.0, 0.0}, rule,
                                  "equal, 4 cases, bar 1 %, restless machine");
  EXPECT_GE(four.share(four.sames), 0.8);
  EXPECT_LE(four.wins, 5);
}

TEST(JudgePower, OneCaseFivePercentWorseIsALossThoughTheOthersGain) {
  const Verdicts verdicts = run_races(500, 61000, calm_machine(), {0.05, 0.05, 0.05, -0.05}, {}, "3 x +5 %, 1 x -5 %");
  EXPECT_EQ(verdicts.wins, 0);
  EXPECT_GE(verdicts.share(verdicts.losses), 0.95);
}

}  // namespace
}  // namespace thresher::measure
