// Whole rounds on made-up times: what is true decides, whatever was promised.
#include "tank/round_runner.hpp"

#include <algorithm>

#include "catalog/champions.hpp"
#include "small_round.hpp"

namespace thresher::tank {
namespace {

using measure::Failure;
using measure::FailureKind;

// One pitch for every way in which a trial can end.
void fill_zoo(SmallRound& round) {
  round.add({.id = "gain", .config = "block_m=256"}, 0.08);
  round.add({.id = "slow", .config = "block_n=64"}, -0.05);
  round.add({.id = "equal", .config = "block_k=512"}, 0.0);
  round.truth("block_m=256,block_k=512", 0.08);  // and on top of the winner
  round.add({.id = "wrong", .config = "dequant_stages=2"}, 0.3).check =
      Failure{FailureKind::invalid, "wrong on a held-out shape"};
  auto& impossible = round.add({.id = "impossible", .config = "prefetch_distance=1152"}, 3.0);
  impossible.run = Failure{FailureKind::impossible, "faster than the floor"};
  impossible.fails_at = 2;
  auto& crash = round.add({.id = "crash", .config = "store=streaming"}, 0.1);
  crash.run = Failure{FailureKind::error, "killed by signal 11"};
  crash.fails_at = 9;
  round.add({.id = "toucher", .config = "roles=specialised"}, 0.2).finish =
      Failure{FailureKind::invalid, "wrote to its inputs"};
  round.add({.id = "silent", .config = "block_m=64", .answers = false}, 0.5);
  round.add({.id = "stranger", .config = "block_m=32", .kind = "kind = \"repitch\"\nearlier = \"00-none/nobody\""},
            0.5);
}

TEST(RoundRunner, GivesEveryPitchTheVerdictThatIsTrueOfIt) {
  SmallRound round;
  fill_zoo(round);
  round.write();
  const RoundRecord record = round.run();
  for (const PitchRecord& pitch : record.pitches)
    EXPECT_EQ(pitch.admitted, pitch.funded || pitch.explored) << pitch.pitch.id;
  EXPECT_EQ(verdict_of(record, "gain"), "WIN") << pitch_of(record, "gain").outcome->reason;
  EXPECT_EQ(pitch_of(record, "gain").outcome->stopped_at, "confirmation");
  EXPECT_NEAR(*pitch_of(record, "gain").outcome->speed_up, std::exp(0.08), 0.02);
  EXPECT_EQ(verdict_of(record, "slow"), "LOSS") << pitch_of(record, "slow").outcome->reason;
  EXPECT_EQ(verdict_of(record, "equal"), "SAME") << pitch_of(record, "equal").outcome->reason;
  EXPECT_EQ(verdict_of(record, "wrong"), "INVALID");
  EXPECT_EQ(pitch_of(record, "wrong").outcome->stopped_at, "correctness");
  EXPECT_EQ(verdict_of(record, "impossible"), "IMPOSSIBLE");
  EXPECT_EQ(verdict_of(record, "crash"), "ERROR");
  EXPECT_EQ(verdict_of(record, "toucher"), "INVALID");
  EXPECT_EQ(verdict_of(record, "silent"), "none");
  EXPECT_NE(pitch_of(record, "silent").refusal.find("01-pipeline-stages/industry-standard"), std::string::npos)
      << pitch_of(record, "silent").refusal;
  EXPECT_EQ(verdict_of(record, "stranger"), "none");
  EXPECT_NE(pitch_of(record, "stranger").refusal.find("00-none/nobody"), std::string::npos)
      << pitch_of(record, "stranger").refusal;
  EXPECT_FALSE(record.finished_at.empty());
  ASSERT_EQ(record.champion.size(), 1u);
  EXPECT_EQ(record.champion[0].pitch, "gain");
  EXPECT_EQ(to_text(record.champion_config), config_key("block_m=256"));
}

TEST(RoundRunner, EveryMeasuredPitchLeavesALessonAndItsGates) {
  SmallRound round;
  fill_zoo(round);
  round.write();
  const RoundRecord record = round.run();
  for (const PitchRecord& pitch : record.pitches)
    EXPECT_EQ(pitch.lesson.has_value(), pitch.admitted) << pitch.pitch.id;
  // A loss binds the next round; so it must be a loss, and not "not decided".
  EXPECT_TRUE(pitch_of(record, "slow").lesson->binding);
  EXPECT_FALSE(pitch_of(record, "gain").lesson->binding);
  std::vector<std::string> steps;
  for (const GateRecord& gate : pitch_of(record, "gain").gates)
    steps.push_back(gate.step);
  EXPECT_EQ(steps, (std::vector<std::string>{"config", "observable", "correctness", "short_race", "full_race",
                                             "confirmation"}));
  for (const GateRecord& gate : pitch_of(record, "gain").gates)
    EXPECT_TRUE(gate.passed) << gate.step;
  EXPECT_FALSE(record.forecasts.empty());
  EXPECT_TRUE(record.regret.has_value());
}

TEST(RoundRunner, WritesTheChampionsFileOnAWinAgainstWhatIsInForce) {
  SmallRound round;
  round.add({.id = "gain", .config = "block_m=256"}, 0.08);
  round.write();
  const RoundRecord record = round.run();
  ASSERT_EQ(verdict_of(record, "gain"), "WIN");
  const auto entries = catalog::load_champion_records(round.champions(), "cpu-portable");
  ASSERT_EQ(entries.size(), 1u) << record.in_force_reason;
  CpuConfig expected = cpu_config_from_text(config_key("block_m=256"));
  expected.isa = Isa::portable;
  EXPECT_EQ(to_text(entries[0].config), to_text(expected));
  EXPECT_EQ(entries[0].round, "02-small");
  EXPECT_TRUE(record.champion.back().in_force);
  // Run again, it changes nothing.
  const std::string before = device::read_whole_file(catalog::champions_path(round.champions(), "cpu-portable"));
  round.run();
  EXPECT_EQ(device::read_whole_file(catalog::champions_path(round.champions(), "cpu-portable")), before);
}

TEST(RoundRunner, AWinnerThatDoesNotBeatWhatIsInForceStaysOutOfTheChampionsFile) {
  SmallRound round;
  round.add({.id = "gain", .config = "block_m=256"}, 0.08);
  // What users run today is better still.
  CpuConfig automatic;
  automatic.isa = Isa::portable;
  round.options.candidates[to_text(automatic)].log_effect = 0.2;
  round.write();
  const RoundRecord record = round.run();
  EXPECT_EQ(verdict_of(record, "gain"), "WIN");
  EXPECT_EQ(to_text(record.champion_config), config_key("block_m=256"));
  EXPECT_FALSE(std::filesystem::exists(catalog::champions_path(round.champions(), "cpu-portable")));
  EXPECT_FALSE(record.champion.back().in_force);
  EXPECT_NE(record.in_force_reason.find("does not replace what is in force"), std::string::npos)
      << record.in_force_reason;
}

TEST(RoundRunner, NothingWonMeansNothingChanges) {
  SmallRound round;
  round.add({.id = "slow", .config = "block_n=64"}, -0.05);
  round.add({.id = "equal", .config = "block_k=512"}, 0.0);
  round.write();
  std::filesystem::create_directories(round.champions());
  catalog::store_champion(round.champions(), "cpu-portable",
                          {.op = Op::gated,
                           .shape_class = ShapeClass::prefill,
                           .config = cpu_config_from_text("isa=portable,block_m=64"),
                           .round = "earlier",
                           .measured = "speed-up 1.1",
                           .date = "2026-01-01"});
  const auto file = catalog::champions_path(round.champions(), "cpu-portable");
  const std::string before = device::read_whole_file(file);
  const RoundRecord record = round.run();
  EXPECT_TRUE(record.champion.empty());
  EXPECT_EQ(to_text(record.champion_config), config_key(""));
  EXPECT_EQ(device::read_whole_file(file), before);
}

TEST(RoundRunner, WinnersStackEachRacedOnTopOfTheLast) {
  SmallRound round;
  round.add({.id = "first", .config = "block_m=256"}, 0.10);
  round.add({.id = "second", .config = "block_n=256"}, 0.05);
  round.truth("block_m=256,block_n=256", 0.15);
  round.write();
  SmallDevice executor(round.options);
  Watcher watcher;
  const RoundRecord record = round.run(executor, watcher);
  EXPECT_EQ(verdict_of(record, "first"), "WIN");
  EXPECT_EQ(verdict_of(record, "second"), "WIN") << pitch_of(record, "second").outcome->reason;
  ASSERT_EQ(record.champion.size(), 2u);
  EXPECT_EQ(to_text(record.champion_config), config_key("block_m=256,block_n=256"));
  EXPECT_NE(std::find(executor.raced.begin(), executor.raced.end(),
                      std::pair(config_key("block_m=256"), config_key("block_m=256,block_n=256"))),
            executor.raced.end());
  // The table's baseline is the baseline, not the champion that the second stood on.
  for (const BaselineRow& row : record.table) {
    EXPECT_NEAR(*row.baseline_seconds, 0.1, 0.002) << row.one.name;
    EXPECT_NEAR(*row.champion_seconds, 0.1 * std::exp(-0.15), 0.002) << row.one.name;
  }
}

TEST(RoundRunner, AGainThatTheChampionHasAlreadyIsTheSame) {
  SmallRound round;
  round.add({.id = "one", .config = "block_m=256"}, 0.10);
  round.add({.id = "twin", .config = "block_m=256"}, 0.10);
  round.write();
  const RoundRecord record = round.run();
  const std::multiset<std::string> verdicts = {verdict_of(record, "one"), verdict_of(record, "twin")};
  EXPECT_EQ(verdicts, (std::multiset<std::string>{"SAME", "WIN"}));
  EXPECT_EQ(record.champion.size(), 1u);
}

// Stops a round when a stage begins.
class StopAtStage final : public Observer {
 public:
  explicit StopAtStage(std::string stage) : stage_(std::move(stage)) {}
  void stage(const std::string& what) override {
    if (what == stage_) throw StopHere();
  }
  void update(std::int64_t /*done*/, std::int64_t /*total*/) override {}
  void note(const std::string& /*text*/) override {}
  void checkpoint() override {}

 private:
  std::string stage_;
};

TEST(RoundRunner, AWinThatIsNotConfirmedIsNoChampion) {
  SmallRound round;
  round.add({.id = "lucky", .config = "block_m=256"}, 0.08);
  round.write();
  SmallDevice executor(round.options);
  StopAtStage stops("lucky: confirmation");
  EXPECT_THROW(round.run(executor, stops), StopHere);
  round.truth("block_m=256", 0.0);  // the new processes meet a kernel without the gain
  const RoundRecord record = round.run();
  EXPECT_NE(verdict_of(record, "lucky"), "WIN");
  EXPECT_EQ(pitch_of(record, "lucky").outcome->stopped_at, "confirmation");
  EXPECT_NE(pitch_of(record, "lucky").outcome->reason.find("not confirmed in new processes"), std::string::npos)
      << pitch_of(record, "lucky").outcome->reason;
  EXPECT_TRUE(record.champion.empty());
  EXPECT_FALSE(std::filesystem::exists(catalog::champions_path(round.champions(), "cpu-portable")));
}

TEST(RoundRunner, RefusesARoundWithoutHistoryWhereTheRulesAskForOne) {
  SmallRound round;
  round.history = false;
  round.add({.id = "gain", .config = "block_m=256", .answers = false}, 0.08);
  round.write();
  expect_error(ErrorCode::invalid_argument, {"round-2", "history"}, [&] { round.run(); });
}

TEST(RoundRunner, GatesRunCheapestFirstAndStopAtTheFirstFailure) {
  SmallRound round;
  // Written dearest first on purpose.
  const std::string plan =
      "\n[[test]]\nstep = \"full_race\"\n\n[[test]]\nstep = \"short_race\"\ncases = [\"g2-k4096\"]\n"
      "\n[[test]]\nstep = \"correctness\"\n\n[[test]]\nstep = \"observable\"\nclaim = { observable = "
      "\"panels_ahead\", relation = \"at_least\", value = 5000 }\n\n[[test]]\nstep = \"config\"\n";
  round.add({.id = "boaster", .config = "block_m=256", .tests = plan}, 0.3);
  round.add({.id = "wrong", .config = "block_n=64"}, 0.3).check = Failure{FailureKind::invalid, "wrong"};
  round.add({.id = "slow", .config = "block_n=256"}, -0.1);
  round.write();
  SmallDevice executor(round.options);
  Watcher watcher;
  const RoundRecord record = round.run(executor, watcher);
  const Ledger ledger(ledger_file(round.path()), Ledger::Mode::read);
  EXPECT_EQ(pitch_of(record, "boaster").outcome->stopped_at, "observable");
  EXPECT_EQ(std::count(executor.checked.begin(), executor.checked.end(), "boaster"), 0);
  for (const char* race :
       {"boaster/short_race", "boaster/full_race", "wrong/short_race", "wrong/full_race", "slow/full_race"})
    EXPECT_TRUE(ledger.samples(race).empty() && !ledger.find("race_end", race)) << race << " was run";
  EXPECT_FALSE(ledger.samples("slow/short_race").empty());
  EXPECT_EQ(pitch_of(record, "slow").outcome->stopped_at, "short_race");
  EXPECT_EQ(record.pitches.front().gates.size(), 2u);  // boaster: config, observable
}

TEST(RoundRunner, AStartedRoundKeepsItsFilesAndItsMachine) {
  SmallRound round;
  round.add({.id = "gain", .config = "block_m=256"}, 0.08);
  round.write();
  SmallDevice executor(round.options);
  {
    Watcher stops(40);
    EXPECT_THROW(round.run(executor, stops), StopHere);
  }
  Watcher watcher;
  const auto changed = [&](const std::filesystem::path& file, const std::vector<std::string>& parts) {
    const std::string before = device::read_whole_file(file);
    device::write_whole_file(file, before + "\n# changed\n");
    expect_error(ErrorCode::invalid_argument, parts, [&] { round.run(executor, watcher); });
    device::write_whole_file(file, before);
  };
  changed(round.path() / "pitches/gain.toml", {"pitches/gain.toml", "changed since it was started"});
  changed(round.path() / "round.toml", {"round.toml"});
  changed(round.rules_file(), {"rules.toml"});
  const auto late = round.path() / "pitches/late.toml";
  device::write_whole_file(late, pitch_text({.id = "late", .config = "block_m=64"}, round.cases));
  expect_error(ErrorCode::invalid_argument, {"pitches/late.toml", "new"}, [&] { round.run(executor, watcher); });
  std::filesystem::remove(late);
  SmallDevice other(round.options, "another-machine");
  expect_error(ErrorCode::environment, {"synthetic-2c", "another-machine"}, [&] { round.run(other, watcher); });
  EXPECT_EQ(verdict_of(round.run(executor, watcher), "gain"), "WIN");
}

TEST(RoundRunner, ABudgetThatEndsLeavesPitchesUndecidedAndSaysSo) {
  SmallRound round;
  round.add({.id = "gain", .config = "block_m=256"}, 0.08);
  round.write();
  SmallDevice executor(round.options);
  Watcher watcher;
  const RoundRecord record = round.run(executor, watcher, 1e-6);
  EXPECT_TRUE(record.out_of_budget);
  EXPECT_EQ(verdict_of(record, "gain"), "AMBIGUOUS");
  EXPECT_TRUE(record.champion.empty());
}

}  // namespace
}  // namespace thresher::tank
