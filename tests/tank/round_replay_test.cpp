// A round judged again from its ledger.
#include "tank/round_replay.hpp"

#include "small_round.hpp"

namespace thresher::tank {
namespace {

void fill(SmallRound& round) {
  round.add({.id = "gain", .config = "block_m=256"}, 0.08);
  round.add({.id = "slow", .config = "block_n=64"}, -0.05);
  round.add({.id = "equal", .config = "block_k=512"}, 0.0);
  round.truth("block_m=256,block_k=512", 0.08);
  round.add({.id = "wrong", .config = "dequant_stages=2"}, 0.3).check =
      measure::Failure{measure::FailureKind::invalid, "wrong on a held-out shape"};
  round.add({.id = "silent", .config = "block_m=64", .answers = false}, 0.5);
  round.write();
}

Replay replayed(const SmallRound& round, const Rules& rules) {
  const Ledger ledger(ledger_file(round.path()), Ledger::Mode::read);
  return replay_round(load_round(round.path()), load_rules(round.rules_file()), rules, round.catalog(), ledger);
}

const ReplayedPitch& one_of(const Replay& replay, const std::string& id) {
  for (const ReplayedPitch& one : replay.pitches)
    if (one.pitch == id) return one;
  throw Error(ErrorCode::invalid_argument, "no pitch " + id);
}

TEST(RoundReplay, ReproducesEveryVerdictUnderItsOwnRules) {
  SmallRound round;
  fill(round);
  const RoundRecord record = round.run();
  const Replay replay = replayed(round, load_rules(round.rules_file()));
  EXPECT_TRUE(replay.same_rules);
  EXPECT_TRUE(replay.reproduces());
  ASSERT_TRUE(record.noise_floor);
  EXPECT_EQ(replay.noise_floor, record.noise_floor->log_bound);
  ASSERT_EQ(replay.pitches.size(), 5u);
  for (const ReplayedPitch& one : replay.pitches) {
    EXPECT_EQ(one.recorded, one.replayed) << one.pitch;
    EXPECT_EQ(one.recorded_rank, one.replayed_rank) << one.pitch;
    EXPECT_EQ(one.recorded_funded, one.replayed_funded) << one.pitch;
  }
  EXPECT_EQ(one_of(replay, "gain").recorded, Verdict::win);
  EXPECT_FALSE(one_of(replay, "silent").recorded);
}

TEST(RoundReplay, SaysWhatOtherThresholdsWouldHaveDecided) {
  SmallRound round;
  fill(round);
  round.run();
  Rules strict = parse_rules(replaced(round.rules, "min_gain = 0.005", "min_gain = 0.2"), "strict.toml");
  const Replay replay = replayed(round, strict);
  EXPECT_FALSE(replay.same_rules);
  EXPECT_FALSE(replay.reproduces());
  EXPECT_EQ(one_of(replay, "gain").recorded, Verdict::win);
  EXPECT_NE(one_of(replay, "gain").replayed, Verdict::win);
  EXPECT_FALSE(one_of(replay, "gain").reason.empty());
  EXPECT_EQ(one_of(replay, "wrong").replayed, Verdict::invalid);
}

// Round 1 believed what round 2 discounts: a pitch without evidence of this kernel stands better under it.
TEST(RoundReplay, ScoresThePanelUnderOtherRules) {
  SmallRound round;
  fill(round);
  round.run();
  const Replay own = replayed(round, load_rules(round.rules_file()));
  const Replay replay = replayed(round, load_rules(kSource / "rules/round-1.toml"));
  EXPECT_EQ(replay.rules, "round-1");
  EXPECT_FALSE(replay.same_rules);
  EXPECT_TRUE(replay.reproduces()) << "the thresholds are the same in both";
  EXPECT_NE(one_of(replay, "gain").total, one_of(own, "gain").total);
  EXPECT_EQ(one_of(replay, "silent").replayed_rank, 0) << "who was not heard has no score under any rules";
}

TEST(RoundReplay, OtherRulesChangeTheRanks) {
  SmallRound round;
  round.add({.id = "aaa-generic", .config = "block_m=256"}, 0.02);
  round.truth("block_m=256,block_n=256", 0.04);
  round.add({.id = "zzz-specific", .config = "block_n=256"}, 0.02);
  round.write();
  // Its evidence says what everybody says.
  const auto file = round.path() / "pitches/aaa-generic.toml";
  std::string text = device::read_whole_file(file);
  const std::string claim = "kind = \"kernel_specific\"";
  const std::string fact = "claim = { observable = \"panels_ahead\", relation = \"increases\" }\n";
  const std::size_t first = text.find("[[evidence]]");
  std::string evidence = text.substr(first, text.find("[[risk]]") - first);
  for (std::size_t at; (at = evidence.find(claim)) != std::string::npos;)
    evidence.replace(at, claim.size(), "kind = \"generic\"");
  for (std::size_t at; (at = evidence.find(fact)) != std::string::npos;)
    evidence.erase(at, fact.size());
  text.replace(first, text.find("[[risk]]") - first, evidence);
  device::write_whole_file(file, text);
  round.run();
  const Replay replay = replayed(round, load_rules(kSource / "rules/round-1.toml"));
  EXPECT_EQ(one_of(replay, "zzz-specific").recorded_rank, 1);
  EXPECT_EQ(one_of(replay, "aaa-generic").recorded_rank, 2);
  EXPECT_NE(one_of(replay, "aaa-generic").total, 0.0);
  EXPECT_GT(one_of(replay, "aaa-generic").total,
            one_of(replayed(round, load_rules(round.rules_file())), "aaa-generic").total);
}

TEST(RoundReplay, RefusesARoundThatIsNotFinished) {
  SmallRound round;
  fill(round);
  SmallDevice executor(round.options);
  Watcher stops(60);
  EXPECT_THROW(round.run(executor, stops), StopHere);
  expect_error(ErrorCode::parse, {"not finished"}, [&] { replayed(round, load_rules(round.rules_file())); });
}

}  // namespace
}  // namespace thresher::tank
