// A race block by block: order, inputs, attempts, ends.
#include "tank/race_runner.hpp"

#include "small_round.hpp"

namespace thresher::tank {
namespace {

struct Bench {
  explicit Bench(measure::SyntheticOptions options = {}) : executor(std::move(options)) {
    plan.name = "a/full_race";
    plan.incumbent.name = "A";
    plan.candidate.name = "B";
    plan.max_blocks = 8;
    plan.max_seconds = 600.0;
    plan.min_blocks = 1;
    for (const char* name : {"g2-k4096", "g2-k1536"})
      plan.cases.push_back(catalog::find_case(catalog::load_cases(kSource / "cases"), name));
  }
  RaceResult run(int stop_at = -1) {
    Ledger ledger(file(), Ledger::Mode::append);
    Watcher watcher(stop_at);
    return run_race(executor, ledger, plan, watcher);
  }
  [[nodiscard]] std::filesystem::path file() const { return folder.path() / "ledger.sqlite"; }
  [[nodiscard]] std::vector<Sample> samples() const { return Ledger(file(), Ledger::Mode::read).samples(plan.name); }

  TemporaryFolder folder;
  SmallDevice executor;
  RacePlan plan;
};

TEST(RaceRunner, BlocksAreAbbaOrBaabWithFreshInputsForEachPair) {
  Bench bench;
  bench.plan.max_blocks = 24;
  bench.run();
  std::map<std::pair<int, std::string>, std::vector<Sample>> blocks;
  for (const Sample& sample : bench.samples())
    blocks[std::pair(sample.block, sample.case_name)].push_back(sample);
  ASSERT_EQ(blocks.size(), 48u);
  int incumbent_first = 0;
  std::set<std::pair<std::string, std::uint64_t>> inputs;
  for (const auto& [key, calls] : blocks) {
    ASSERT_EQ(calls.size(), 4u);
    EXPECT_EQ(calls[0].side, calls[3].side);
    EXPECT_EQ(calls[1].side, calls[2].side);
    EXPECT_NE(calls[0].side, calls[1].side);
    EXPECT_EQ(calls[0].content, calls[1].content);
    EXPECT_EQ(calls[2].content, calls[3].content);
    EXPECT_TRUE(inputs.emplace(key.second, calls[0].content).second) << "inputs seen before";
    EXPECT_TRUE(inputs.emplace(key.second, calls[2].content).second) << "inputs seen before";
    incumbent_first += calls[0].side == "incumbent" ? 1 : 0;
  }
  EXPECT_GT(incumbent_first, 8);  // a fair coin: 1 in 10,000 is outside
  EXPECT_LT(incumbent_first, 40);
}

TEST(RaceRunner, ADriftThatIsLinearCancels) {
  measure::SyntheticOptions options;
  options.noise = 0.0;
  options.drift = 0.01;  // 1 % a call: forty times what is looked for
  options.candidates["B"].log_effect = 0.002;
  Bench bench(options);
  const RaceResult race = bench.run();
  for (const measure::CaseBlocks& one : race.data.cases)
    for (const double ratio : one.log_ratios)
      EXPECT_NEAR(ratio, 0.002, 1e-9);
}

TEST(RaceRunner, ReadingARaceBackGivesWhatRunningItGave) {
  measure::SyntheticOptions options;
  options.candidates["B"].log_effect = 0.1;
  Bench bench(options);
  const RaceResult ran = bench.run();
  const RaceResult read =
      read_race(Ledger(bench.file(), Ledger::Mode::read), bench.plan.name, {"g2-k4096", "g2-k1536"});
  ASSERT_EQ(read.blocks(), 8);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.data.cases[i].log_ratios, ran.data.cases[i].log_ratios);
    EXPECT_EQ(read.times[i].candidate_seconds, ran.times[i].candidate_seconds);
    EXPECT_NEAR(read.times[i].incumbent_seconds, 0.1, 0.01);
  }
}

// At every call of two blocks: whole blocks are kept, the one that was broken off is run again, as another attempt and
// on other inputs.
TEST(RaceRunner, GoesOnFromAnyCall) {
  for (int stop = 0; stop <= 16; ++stop) {
    SCOPED_TRACE(stop);
    Bench bench;
    bench.plan.max_blocks = 2;
    if (stop < 16) {
      EXPECT_THROW(bench.run(stop), StopHere);
    } else {
      bench.run(stop);
    }
    const std::vector<Sample> before = bench.samples();
    EXPECT_EQ(before.size(), static_cast<std::size_t>(stop));
    const RaceResult race = bench.run();
    EXPECT_EQ(race.blocks(), 2);
    const std::vector<Sample> after = bench.samples();
    EXPECT_EQ(after.size(), static_cast<std::size_t>(stop / 8 * 8 + (stop % 8) + (16 - stop / 8 * 8)));
    std::set<std::uint64_t> broken_off;
    for (const Sample& sample : before)
      if (sample.block == stop / 8) broken_off.insert(sample.content);
    for (const Sample& sample : after) {
      const bool again = sample.block == stop / 8 && sample.attempt > 0;
      EXPECT_FALSE(again && broken_off.contains(sample.content));
    }
    expect_whole(Ledger(bench.file(), Ledger::Mode::read), 2);
  }
}

TEST(RaceRunner, AFailureEndsTheRaceForGood) {
  measure::SyntheticOptions options;
  options.candidates["B"].run = measure::Failure{measure::FailureKind::impossible, "faster than the floor"};
  options.candidates["B"].fails_at = 9;
  Bench bench(options);
  for (int i = 0; i < 2; ++i) {
    const RaceResult race = bench.run();
    ASSERT_TRUE(race.failure);
    EXPECT_EQ(race.failure->kind, measure::FailureKind::impossible);
    EXPECT_EQ(race.failure->reason, "faster than the floor");
    EXPECT_EQ(race.failed_side, measure::Side::candidate);
    EXPECT_EQ(bench.executor.raced.size(), 1u) << "it was raced again";
  }
  const RaceResult read =
      read_race(Ledger(bench.file(), Ledger::Mode::read), bench.plan.name, {"g2-k4096", "g2-k1536"});
  EXPECT_EQ(read.failure->kind, measure::FailureKind::impossible);
}

TEST(RaceRunner, WhatShowsAfterTheLastCallIsAFailureToo) {
  measure::SyntheticOptions options;
  options.candidates["A"].finish = measure::Failure{measure::FailureKind::invalid, "touched its weights"};
  Bench bench(options);
  const RaceResult race = bench.run();
  ASSERT_TRUE(race.failure);
  EXPECT_EQ(race.failed_side, measure::Side::incumbent);
}

TEST(RaceRunner, TimeIsLookedAtAfterTheLeastBlocksAndAnEndIsAnEnd) {
  Bench bench;
  bench.plan.max_seconds = 0.0;
  bench.plan.min_blocks = 3;
  EXPECT_EQ(bench.run().blocks(), 3);
  bench.plan.max_seconds = 600.0;
  const RaceResult again = bench.run();
  EXPECT_EQ(again.blocks(), 3) << "an ended race went on: its length would depend on interrupts";
  EXPECT_TRUE(again.out_of_time);
}

TEST(RaceRunner, StopsOnceItIsDecided) {
  Bench bench;
  bench.plan.decided = [](const measure::RaceData& data) { return data.blocks() == 5; };
  const RaceResult race = bench.run();
  EXPECT_EQ(race.blocks(), 5);
  EXPECT_FALSE(race.out_of_time);
}

TEST(RaceRunner, ASeedIsDrawnOnceAndDiffersFromRaceToRace) {
  const TemporaryFolder folder;
  Ledger ledger(folder.path() / "ledger.sqlite", Ledger::Mode::append);
  const std::uint64_t one = fresh_seed(ledger, "one");
  EXPECT_EQ(fresh_seed(ledger, "one"), one);
  EXPECT_NE(fresh_seed(ledger, "two"), one);
}

}  // namespace
}  // namespace thresher::tank
