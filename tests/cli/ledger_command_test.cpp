// thresher ledger, as a user runs it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"
#include "tank/ledger.hpp"

namespace thresher::cli {
namespace {

using cli_test::Folder;
using cli_test::run;
using tank::Json;
using tank::Ledger;

void make_ledger(const std::filesystem::path& file, int samples) {
  Ledger ledger(file, Ledger::Mode::append);
  ledger.keep("rules", "x");
  ledger.append("round", "definition", {{"name", "demo"}});
  ledger.append("verdict", "tile-size", {{"text", "two\nlines \x1b[1m"}, {"long", std::string(500, 'y')}});
  for (int i = 0; i < samples; ++i) {
    ledger.append({.race = "tile-size/full_race/1",
                   .block = i / 4,
                   .case_name = "g2-k4096",
                   .position = i % 4,
                   .side = i % 2 == 0 ? "incumbent" : "candidate",
                   .content = 255,
                   .seconds = 0.0015,
                   .clock_mhz = std::nullopt,
                   .attempt = 0});
  }
  ledger.close();
}

TEST(CliLedger, ListsEveryLedgerUnderAFolderAndNothingElse) {
  const Folder folder;
  make_ledger(folder.path() / "one" / "ledger.sqlite", 8);
  make_ledger(folder.path() / "two" / "other-name", 0);
  folder.write("text.sqlite", "no database");
  const auto human = run("ledger list " + folder.path().string());
  EXPECT_EQ(human.status, 0) << human.err;
  EXPECT_EQ(cli_test::lines(human.out), 3) << human.out;
  EXPECT_NE(human.out.find("verdict tile-size"), std::string::npos) << human.out;
  const Json json = Json::parse(run("ledger list " + folder.path().string() + " --json").out);
  ASSERT_EQ(json["ledgers"].size(), 2u);
  EXPECT_EQ(json["ledgers"][0]["samples"], 8);
  EXPECT_EQ(json["ledgers"][0]["races"], 1);
  EXPECT_EQ(json["ledgers"][1]["events"], 2);
}

TEST(CliLedger, ListGoesOnAfterADamagedOneAndFails) {
  const Folder folder;
  make_ledger(folder.path() / "good" / "ledger.sqlite", 4);
  folder.write("ledger.sqlite", "rubbish");
  const auto outcome = run("ledger list " + folder.path().string());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("good/ledger.sqlite"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("is not a whole ledger"), std::string::npos) << outcome.out;
}

TEST(CliLedger, ShowsEventsOneALine) {
  const Folder folder;
  make_ledger(folder.path() / "ledger.sqlite", 8);
  const auto outcome = run("ledger show " + folder.path().string());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(cli_test::lines(outcome.out), 3) << outcome.out;
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  EXPECT_LT(outcome.out.size(), 600u) << outcome.out;
  const Json json = Json::parse(run("ledger show " + folder.path().string() + " --json").out);
  EXPECT_EQ(json["events"][1]["data"]["long"].get<std::string>().size(), 500u);
}

TEST(CliLedger, ShowsTheSamplesOfARaceAndNamesTheRacesThereAre) {
  const Folder folder;
  make_ledger(folder.path() / "ledger.sqlite", 8);
  const auto outcome = run("ledger show " + folder.path().string() + " --race tile-size/full_race/1");
  EXPECT_EQ(cli_test::lines(outcome.out), 9) << outcome.out;
  EXPECT_NE(outcome.out.find("1500.000"), std::string::npos) << outcome.out;
  const auto wrong = run("ledger show " + folder.path().string() + " --race tile");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("there are tile-size/full_race/1"), std::string::npos) << wrong.err;
}

TEST(CliLedger, ExportsEverythingAsOneObject) {
  const Folder folder;
  make_ledger(folder.path() / "ledger.sqlite", 8);
  const auto outcome = run("ledger export " + (folder.path() / "ledger.sqlite").string());
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["races"][0]["samples"].size(), 8u);
  EXPECT_EQ(json["contents"][0]["text"], "x");
}

TEST(CliLedger, SaysInOneLineWhatIsWrong) {
  const Folder folder;
  const auto none = run("ledger show " + folder.path().string());
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.err.find("there is no ledger under"), std::string::npos) << none.err;
  make_ledger(folder.path() / "a" / "ledger.sqlite", 0);
  make_ledger(folder.path() / "b" / "ledger.sqlite", 0);
  const auto two = run("ledger export " + folder.path().string());
  EXPECT_NE(two.err.find("there are 2 ledgers"), std::string::npos) << two.err;
  EXPECT_EQ(cli_test::lines(two.err), 1);
  EXPECT_EQ(run("ledger").status, 2);
  EXPECT_EQ(run("ledger show " + folder.path().string() + "/missing").status, 1);
}

}  // namespace
}  // namespace thresher::cli
