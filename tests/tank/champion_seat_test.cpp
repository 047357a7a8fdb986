// Who holds the champion's seat, and what gets into the champions file.
#include "tank/champion_seat.hpp"

#include "catalog/champions.hpp"
#include "small_round.hpp"

namespace thresher::tank {
namespace {

struct Seat {
  Seat() : ledger(folder.path() / "ledger.sqlite", Ledger::Mode::append) {
    definition.name = "02-small";
    definition.champions = folder.path() / "champions";
    definition.baseline = cpu_config_from_text(kBaselineText);
  }
  [[nodiscard]] std::vector<catalog::Case> cases(const std::vector<std::string>& names) const {
    std::vector<catalog::Case> found;
    for (const std::string& name : names)
      found.push_back(catalog::find_case(catalog::load_cases(kSource / "cases"), name).with_op(Op::gated));
    return found;
  }
  [[nodiscard]] std::size_t entries() const {
    return catalog::load_champion_records(definition.champions, "cpu-portable").size();
  }
  static Outcome outcome(Verdict verdict) {
    Outcome one;
    one.verdict = verdict;
    one.reason = "as measured";
    return one;
  }

  TemporaryFolder folder;
  Ledger ledger;
  RoundDefinition definition;
};

measure::Candidate config_candidate(const std::string& text) {
  measure::Candidate candidate;
  candidate.config = cpu_config_from_text(text);
  return candidate;
}

TEST(ChampionSeat, IsTheBaselinesUntilSomebodyTakesItAndIsKeptInTheLedger) {
  Seat one;
  ChampionSeat seat(one.ledger, one.definition);
  EXPECT_EQ(seat.holder(), "baseline");
  EXPECT_EQ(seat.config(), one.definition.baseline);
  Pitch pitch;
  pitch.id = "gain";
  seat.take(pitch, config_candidate("block_m=256"), "faster");
  seat.take(pitch, config_candidate("block_m=512"), "twice");  // a round that goes on asks again
  EXPECT_EQ(seat.config().block_m, 256);
  const ChampionSeat again(one.ledger, one.definition);
  EXPECT_EQ(again.holder(), "gain");
  EXPECT_EQ(again.config().block_m, 256);
  EXPECT_FALSE(again.settled());
}

TEST(ChampionSeat, ALibraryWinsItsRaceAndChangesNothing) {
  Seat one;
  ChampionSeat seat(one.ledger, one.definition);
  Pitch pitch;
  pitch.id = "library";
  measure::Candidate candidate;
  candidate.kind = measure::CandidateKind::library;
  seat.take(pitch, candidate, "faster");
  EXPECT_FALSE(seat.changed());
}

TEST(ChampionSeat, OnlyAWinIsWritten) {
  for (const Verdict verdict :
       {Verdict::loss, Verdict::same, Verdict::ambiguous, Verdict::invalid, Verdict::impossible, Verdict::error}) {
    Seat one;
    ChampionSeat seat(one.ledger, one.definition);
    seat.settle("cpu-portable", one.cases({"g2-k4096"}), {}, Seat::outcome(verdict));
    EXPECT_EQ(one.entries(), 0u) << to_string(verdict);
    EXPECT_TRUE(seat.settled());
  }
  Seat one;
  ChampionSeat seat(one.ledger, one.definition);
  seat.settle("cpu-portable", one.cases({"g2-k4096"}), {}, Seat::outcome(Verdict::win));
  EXPECT_EQ(one.entries(), 1u);
  EXPECT_EQ(seat.in_force("cpu-portable", one.cases({"g2-k4096"})).block_m, 128);
}

TEST(ChampionSeat, CasesOfBothClassesAreNotWrittenAndTheReasonSaysSo) {
  Seat one;
  ChampionSeat seat(one.ledger, one.definition);
  seat.settle("cpu-portable", one.cases({"g2-k4096", "decode-g8-m4"}), {}, Seat::outcome(Verdict::win));
  EXPECT_EQ(one.entries(), 0u);
  EXPECT_NE(seat.last_reason().find("both shape classes"), std::string::npos) << seat.last_reason();
}

TEST(ChampionSeat, WithoutAFileTheEnginesOwnChoiceIsInForce) {
  Seat one;
  const ChampionSeat seat(one.ledger, one.definition);
  CpuConfig automatic;
  automatic.isa = Isa::portable;
  EXPECT_EQ(seat.in_force("cpu-portable", one.cases({"g2-k4096"})), automatic);
  expect_error(ErrorCode::internal, {"gpu-b200"}, [&] { return seat.in_force("gpu-b200", one.cases({"g2-k4096"})); });
}

}  // namespace
}  // namespace thresher::tank
