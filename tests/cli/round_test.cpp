// thresher round, as a user runs it: what is wrong is one line, before anything is measured.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"
#include "tank/ledger.hpp"

namespace thresher::cli {
namespace {

using cli_test::Folder;
using cli_test::run;

const std::filesystem::path kSource = THRESHER_SOURCE_DIR;

// A round without history, one case and one pitch.
class SmallFolder {
 public:
  explicit SmallFolder(const std::string& change = "block_m=256") {
    std::filesystem::create_directories(path() / "pitches");
    write("round.toml",
          "title = \"Small\"\nrules = \"rules.toml\"\ncases = [\"g2-k1536\"]\nbaseline = \"block_m=128\"\n");
    write("rules.toml", cli_test::file_text(kSource / "rules/round-1.toml"));
    write("pitches/mine.toml",
          "contestant = \"Ada\"\nkind = \"new\"\ncategory = \"tile_size\"\ntitle = \"T\"\nsummary = \"S\"\nmechanism = "
          "\"M\"\n\n[change]\nconfig = \"" +
              change + "\"\n\n[[prediction]]\ncase = \"g2-k1536\"\nlow = 1.0\nhigh = 1.1\n");
  }
  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "round"; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path() / name) << text; }
  void replace(const std::string& name, const std::string& from, const std::string& to) const {
    std::string text = cli_test::file_text(path() / name);
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write(name, text.replace(at, from.size(), to));
  }

 private:
  Folder folder_;
};

void expect_one_line(const cli_test::Outcome& outcome, const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_EQ(cli_test::lines(outcome.err), 1) << outcome.err;
  for (const std::string& part : parts)
    EXPECT_NE(outcome.err.find(part), std::string::npos) << part << " in: " << outcome.err;
}

TEST(CliRound, NamesTheLineOfABadToml) {
  const SmallFolder round;
  round.replace("pitches/mine.toml", "kind = \"new\"", "kind = new");
  expect_one_line(run("round run " + round.path().string()), {"mine.toml:2"});
}

TEST(CliRound, NamesAnUnknownKnobOfAPitch) {
  const SmallFolder round("block_q=7");
  expect_one_line(run("round run " + round.path().string()), {"mine.toml", "block_q"});
}

TEST(CliRound, RefusesANegativeWeight) {
  const SmallFolder round;
  round.replace("rules.toml", "base = 40", "base = -40");
  expect_one_line(run("round run " + round.path().string()), {"rules.toml", "-40"});
}

TEST(CliRound, RefusesACaseThatDoesNotExist) {
  const SmallFolder round;
  round.replace("round.toml", "g2-k1536", "g2-k1535");
  expect_one_line(run("round run " + round.path().string()), {"g2-k1535"});
}

TEST(CliRound, RefusesADamagedLedger) {
  const SmallFolder round;
  round.write("ledger.sqlite", "rubbish");
  expect_one_line(run("round run " + round.path().string()), {"ledger.sqlite"});
  EXPECT_EQ(cli_test::file_text(round.path() / "ledger.sqlite"), "rubbish");
}

TEST(CliRound, RefusesALedgerThatAnotherProcessWrites) {
  const SmallFolder round;
  const tank::Ledger held(round.path() / "ledger.sqlite", tank::Ledger::Mode::append);
  expect_one_line(run("round run " + round.path().string()), {"locked by another process", std::to_string(getpid())});
}

TEST(CliRound, ReportAndReplayOfARoundThatWasNotRunSayWhatToDo) {
  const SmallFolder round;
  expect_one_line(run("round report " + round.path().string()), {"ledger.sqlite"});
  expect_one_line(run("round replay " + round.path().string()), {"ledger.sqlite"});
  EXPECT_FALSE(std::filesystem::exists(round.path() / "ledger.sqlite"));
  expect_one_line(run("round run " + (round.path() / "missing").string()), {"missing"});
}

TEST(CliRound, EntersARecordedRoundAndReportsIt) {
  const Folder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string round = (kSource / "rounds/01-pipeline-stages").string();
  const auto ran = run("round run " + round + " --out " + out);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("not measured here"), std::string::npos) << ran.out;
  for (const char* file : {"ledger.sqlite", "verdicts.json", "report.md", "report.html"})
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / file)) << file;
  const auto again = run("round report " + round + " --out " + out + " --json");
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(nlohmann::json::parse(again.out).at("format"), "thresher-verdicts-1");
  expect_one_line(run("round replay " + round + " --out " + out), {"recorded history"});
}

TEST(CliRound, NewWritesARoundOnceAndItsFilesAreRight) {
  const Folder folder;
  const std::string round = (folder.path() / "03-mine").string();
  const auto made = run("round new " + round + " --history " + (kSource / "rounds/01-pipeline-stages").string());
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "03-mine/round.toml"));
  expect_one_line(run("round new " + round), {"03-mine"});
}

TEST(CliRound, WrongUseIsExitStatusTwo) {
  EXPECT_EQ(run("round").status, 2);
  EXPECT_EQ(run("round run").status, 2);
  EXPECT_EQ(run("round run x --budget soon").status, 2);
  EXPECT_EQ(run("round paint x").status, 2);
}

}  // namespace
}  // namespace thresher::cli
