// A round that is stopped, politely or with kill -9, goes on where it was and ends the same way.
#include <chrono>
#include <thread>

#include "catalog/champions.hpp"
#include "ledger_processes.hpp"
#include "small_round.hpp"

namespace thresher::tank {
namespace {

void fill(SmallRound& round) {
  round.add({.id = "first", .config = "block_m=256"}, 0.10);
  round.add({.id = "second", .config = "block_n=256"}, 0.05);
  round.truth("block_m=256,block_n=256", 0.15);
  round.add({.id = "slow", .config = "block_n=64"}, -0.05);
  auto& crash = round.add({.id = "crash", .config = "store=streaming"}, 0.1);
  crash.run = measure::Failure{measure::FailureKind::error, "killed by signal 11"};
  crash.fails_at = 1;
}

void expect_finished(const SmallRound& round, const RoundRecord& record) {
  EXPECT_FALSE(record.finished_at.empty());
  EXPECT_EQ(verdict_of(record, "first"), "WIN");
  EXPECT_EQ(verdict_of(record, "second"), "WIN");
  EXPECT_EQ(verdict_of(record, "slow"), "LOSS");
  EXPECT_EQ(verdict_of(record, "crash"), "ERROR");
  ASSERT_EQ(record.champion.size(), 2u);
  EXPECT_EQ(to_text(record.champion_config), config_key("block_m=256,block_n=256"));
  const auto entries = catalog::load_champion_records(round.champions(), "cpu-portable");
  ASSERT_EQ(entries.size(), 1u);
  CpuConfig expected = record.champion_config;
  expected.isa = Isa::portable;
  EXPECT_EQ(entries[0].config, expected);
  const Ledger ledger(ledger_file(round.path()), Ledger::Mode::read);
  expect_whole(ledger, round.cases.size());
}

// The champions file is there as a whole or not at all.
void expect_champions_whole(const SmallRound& round) {
  EXPECT_NO_THROW(catalog::load_champion_records(round.champions(), "cpu-portable"));
}

int checkpoints_of_a_whole_round() {
  SmallRound round;
  fill(round);
  round.write();
  SmallDevice executor(round.options);
  Watcher watcher;
  expect_finished(round, round.run(executor, watcher));
  return watcher.checkpoints;
}

TEST(RoundResume, GoesOnAfterAnInterruptAtAnyCheckpoint) {
  const int all = checkpoints_of_a_whole_round();
  ASSERT_GT(all, 100);
  constexpr int kStops = 20;
  for (int i = 0; i < kStops; ++i) {
    const int at = all * i / kStops;
    SCOPED_TRACE("stopped at checkpoint " + std::to_string(at));
    SmallRound round;
    fill(round);
    round.write();
    {
      SmallDevice executor(round.options);
      Watcher stops(at);
      EXPECT_THROW(round.run(executor, stops), StopHere);
    }
    expect_champions_whole(round);
    expect_finished(round, round.run());
  }
}

TEST(RoundResume, ARoundThatIsStoppedAgainAndAgainEndsAllTheSame) {
  SmallRound round;
  fill(round);
  round.write();
  int runs = 0;
  while (true) {
    SmallDevice executor(round.options);
    Watcher stops(37);  // not a multiple of a block: every stop breaks one off
    try {
      const RoundRecord record = round.run(executor, stops);
      expect_finished(round, record);
      break;
    } catch (const StopHere&) {
      ASSERT_LT(++runs, 100);
    }
  }
  EXPECT_GT(runs, 3);
}

TEST(RoundResume, AFinishedRoundIsReadAndNothingIsMeasured) {
  SmallRound round;
  fill(round);
  round.write();
  const RoundRecord first = round.run();
  SmallDevice executor(round.options);
  Watcher watcher;
  const RoundRecord again = round.run(executor, watcher);
  EXPECT_TRUE(executor.raced.empty());
  EXPECT_EQ(to_json(first).dump(), to_json(again).dump());
}

// Stops a round at a piece of news, or when a stage begins.
class StopAtNews final : public Observer {
 public:
  explicit StopAtNews(std::string start) : start_(std::move(start)) {}
  void stage(const std::string& what) override { note(what); }
  void update(std::int64_t /*done*/, std::int64_t /*total*/) override {}
  void note(const std::string& text) override {
    if (text.starts_with(start_)) throw StopHere();
  }
  void checkpoint() override {}

 private:
  std::string start_;
};

TEST(RoundResume, AWinnerWhoseRoundStoppedAfterItsVerdictStillTakesTheSeat) {
  for (const char* news : {"first: WIN", "second: WIN"}) {
    SCOPED_TRACE(news);
    SmallRound round;
    fill(round);
    round.write();
    SmallDevice executor(round.options);
    StopAtNews stops(news);
    EXPECT_THROW(round.run(executor, stops), StopHere);
    expect_finished(round, round.run());
  }
}

TEST(RoundResume, DoesNotTakeItsOwnChampionForWhatWasInForceBefore) {
  SmallRound round;
  round.add({.id = "first", .config = "block_m=256"}, 0.10);
  round.write();
  SmallDevice executor(round.options);
  StopAtNews stops("champion: in_force");
  EXPECT_THROW(round.run(executor, stops), StopHere);
  // As a crash leaves it between writing the file and entering that.
  CpuConfig champion = cpu_config_from_text(config_key("block_m=256"));
  champion.isa = Isa::portable;
  catalog::store_champion(round.champions(), "cpu-portable",
                          {.op = Op::gated,
                           .shape_class = ShapeClass::prefill,
                           .config = champion,
                           .round = "02-small",
                           .measured = "speed-up 1.1",
                           .date = "2026-01-01"});
  const RoundRecord record = round.run();
  CpuConfig before;
  before.isa = Isa::portable;
  EXPECT_TRUE(record.champion.back().in_force) << record.in_force_reason;
  EXPECT_NE(record.in_force_reason.find("(" + to_text(before) + ")"), std::string::npos) << record.in_force_reason;
}

TEST(RoundResume, SurvivesKillAtRandomMoments) {
  const auto start = std::chrono::steady_clock::now();
  checkpoints_of_a_whole_round();
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  constexpr int kKills = 20;
  SmallRound round;
  fill(round);
  round.write();
  int killed = 0;
  for (int i = 0; i < kKills; ++i) {
    ChildProcess child([&](const ChildProcess::Tell&) {
      round.run();
      return 0;
    });
    // Uneven moments, all over what a round takes; each run goes on where the last was shot.
    std::this_thread::sleep_for(whole * (1 + (i * 7) % kKills) / (4 * kKills));
    child.kill_now();
    killed += child.wait() == 128 + SIGKILL ? 1 : 0;
    expect_champions_whole(round);
  }
  EXPECT_GT(killed, 2);
  expect_finished(round, round.run());
}

}  // namespace
}  // namespace thresher::tank
