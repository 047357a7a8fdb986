// What a ledger keeps, and what it refuses.
#include "tank/ledger.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include "device/files.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

using Path = std::filesystem::path;

Sample sample(int block, int position = 0, const std::string& race = "a/full_race/1") {
  return {.race = race,
          .block = block,
          .case_name = "g8-k7168",
          .position = position,
          .side = position % 2 == 0 ? "incumbent" : "candidate",
          .content = 7,
          .seconds = 0.25 + block,
          .clock_mhz = std::nullopt,
          .attempt = 0};
}

Path small_ledger(const Path& folder) {
  const Path file = folder / "ledger.db";
  Ledger ledger(file, Ledger::Mode::append);
  ledger.keep("config", "block_m=128");
  ledger.append("round", "definition", {{"name", "x"}});
  for (int block = 0; block < 200; ++block)
    ledger.append(sample(block));
  ledger.close();
  return file;
}

// The code and text of the Error that opening gives.
std::pair<ErrorCode, std::string> refusal(const Path& file, Ledger::Mode mode) {
  try {
    const Ledger ledger(file, mode);
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {ErrorCode::internal, "opened"};
}

void expect_refused(const Path& file, ErrorCode code, const std::string& words) {
  for (const auto mode : {Ledger::Mode::read, Ledger::Mode::append}) {
    const auto [found, text] = refusal(file, mode);
    EXPECT_EQ(found, code) << text;
    EXPECT_NE(text.find(file.string()), std::string::npos) << text;
    EXPECT_NE(text.find(words), std::string::npos) << text;
  }
}

// What sqlite3 says to a statement of somebody who opens the file by hand.
std::string by_hand(const Path& file, const std::string& sql) {
  sqlite3* database = nullptr;
  sqlite3_open(file.c_str(), &database);
  char* message = nullptr;
  sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message);
  std::string said = message == nullptr ? "" : message;
  sqlite3_free(message);
  sqlite3_close(database);
  return said;
}

TEST(Ledger, GivesBackWhatItWasGivenInOrder) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "new" / "folders" / "ledger.db";
  const std::string binary(
      "\x7f"
      "ELF\0\xff\xfe",
      7);
  std::string hash;
  {
    Ledger ledger(file, Ledger::Mode::append);
    hash = ledger.keep("library", binary);
    EXPECT_EQ(ledger.keep("other", binary), hash);
    ledger.append("pitch", "b", {{"z", 1}, {"a", 0.1}});
    ledger.append("pitch", "a", {{"text", "quote ' and \" and \xc3\xa9"}});
    ledger.append("verdict", "a", nullptr);
    Sample odd = sample(3, 1);
    odd.content = std::numeric_limits<std::uint64_t>::max();
    odd.seconds = 1.0 / 3.0;
    odd.clock_mhz = 2700.5;
    ledger.append(odd);
    ledger.append(sample(0, 0, "z"));
    ledger.append(sample(1));
    ledger.close();
  }
  const Ledger ledger(file, Ledger::Mode::read);
  EXPECT_EQ(hash, content_hash(binary));
  EXPECT_EQ(ledger.content(hash), binary);
  EXPECT_EQ(ledger.content("no such hash"), std::nullopt);
  ASSERT_EQ(ledger.contents().size(), 1u);
  EXPECT_EQ(ledger.contents()[0].kind, "library");
  ASSERT_EQ(ledger.events().size(), 3u);
  EXPECT_EQ(ledger.events()[0].data.dump(), R"({"z":1,"a":0.1})");
  EXPECT_EQ(ledger.events("pitch").size(), 2u);
  EXPECT_EQ(ledger.find("pitch", "a")->data["text"], "quote ' and \" and \xc3\xa9");
  EXPECT_EQ(ledger.find("pitch", "a")->at.size(), 20u);
  EXPECT_FALSE(ledger.find("pitch", "c"));
  EXPECT_EQ(ledger.races(), (std::vector<std::string>{"a/full_race/1", "z"}));
  ASSERT_EQ(ledger.samples("a/full_race/1").size(), 2u);
  const Sample odd = ledger.samples("a/full_race/1")[0];
  EXPECT_EQ(odd.content, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(odd.seconds, 1.0 / 3.0);
  EXPECT_EQ(odd.clock_mhz, 2700.5);
  EXPECT_EQ(odd.side, "candidate");
  EXPECT_FALSE(ledger.samples("z")[0].clock_mhz);
  EXPECT_EQ(ledger.sample_count(), 3);
}

TEST(Ledger, IsOnePlainFileOnceClosed) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
    ++files;
  EXPECT_EQ(files, 1);
  const std::string bytes = device::read_whole_file(file);
  EXPECT_EQ(bytes[18], 1) << "1 is the rollback journal, 2 the write-ahead log";
  EXPECT_EQ(bytes[19], 1);
  EXPECT_EQ(bytes.substr(68, 4), "THRL");
}

TEST(Ledger, IsUsableAgainAfterItWasClosedAndNotBefore) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  Ledger ledger(file, Ledger::Mode::append);
  ledger.append(sample(200));
  ledger.close();
  EXPECT_NO_THROW(ledger.close());
  EXPECT_THROW(ledger.append(sample(201)), Error);
  EXPECT_EQ(Ledger(file, Ledger::Mode::append).sample_count(), 201);
}

TEST(Ledger, TakesTheSameEventTwiceAsOneAndRefusesOtherData) {
  const TemporaryFolder folder;
  Ledger ledger(folder.path() / "l.db", Ledger::Mode::append);
  ledger.append("seal", "a", {{"hash", "x"}});
  ledger.append("seal", "a", {{"hash", "x"}});
  EXPECT_EQ(ledger.events().size(), 1u);
  EXPECT_THROW(ledger.append("seal", "a", {{"hash", "y"}}), Error);
  EXPECT_EQ(ledger.find("seal", "a")->data["hash"], "x");
}

TEST(Ledger, RefusesASampleTwiceAndTakesTheNextAttempt) {
  const TemporaryFolder folder;
  Ledger ledger(folder.path() / "l.db", Ledger::Mode::append);
  Sample one = sample(4, 2);
  ledger.append(one);
  one.seconds = 9.0;
  EXPECT_THROW(ledger.append(one), Error);
  one.attempt = 1;
  ledger.append(one);
  one.case_name = "other";
  ledger.append(one);
  ASSERT_EQ(ledger.sample_count(), 3);
  EXPECT_EQ(ledger.samples(one.race)[0].seconds, 4.25);
  EXPECT_EQ(ledger.samples(one.race)[1].attempt, 1);
}

TEST(Ledger, RefusesSamplesThatCannotBe) {
  const TemporaryFolder folder;
  Ledger ledger(folder.path() / "l.db", Ledger::Mode::append);
  const auto with = [](auto change) {
    Sample one = sample(0);
    change(one);
    return one;
  };
  EXPECT_THROW(ledger.append(with([](Sample& s) { s.seconds = std::nan(""); })), Error);
  EXPECT_THROW(ledger.append(with([](Sample& s) { s.seconds = -1.0; })), Error);
  EXPECT_THROW(ledger.append(with([](Sample& s) { s.clock_mhz = INFINITY; })), Error);
  EXPECT_THROW(ledger.append(with([](Sample& s) { s.side = "both"; })), Error);
  EXPECT_THROW(ledger.append(with([](Sample& s) { s.position = 4; })), Error);
  EXPECT_THROW(ledger.append(with([](Sample& s) { s.race = ""; })), Error);
  EXPECT_EQ(ledger.sample_count(), 0);
}

TEST(Ledger, CannotBeChangedByHandEither) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  const std::string before = export_ledger(Ledger(file, Ledger::Mode::read)).dump();
  const std::string only = "a ledger is only appended to";
  const std::string again = "is there already";
  for (const char* table : {"content", "event", "sample"}) {
    const std::string name = table;
    EXPECT_EQ(by_hand(file, "DELETE FROM " + name), only);
    EXPECT_EQ(by_hand(file, "UPDATE " + name + " SET " + (name == "sample" ? "seconds = 0" : "at = ''")), only);
    EXPECT_NE(by_hand(file, "INSERT OR REPLACE INTO " + name + " SELECT * FROM " + name).find(again),
              std::string::npos);
  }
  EXPECT_NE(by_hand(file, "REPLACE INTO event (at, kind, subject, data) VALUES ('', 'round', 'definition', '{}')")
                .find(again),
            std::string::npos);
  EXPECT_EQ(export_ledger(Ledger(file, Ledger::Mode::read)).dump(), before);
}

TEST(Ledger, IsNotOpenedWhenATriggerIsGone) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  EXPECT_EQ(by_hand(file, "DROP TRIGGER sample_delete"), "");
  expect_refused(file, ErrorCode::parse, "altered");
}

TEST(Ledger, IsNotOpenedWhenTruncated) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  const std::string whole = device::read_whole_file(file);
  ASSERT_GT(whole.size(), 20000u);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{50}, std::size_t{100}, std::size_t{4096},
                                 std::size_t{5000}, whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
    device::write_whole_file(file, whole.substr(0, size));
    SCOPED_TRACE(size);
    expect_refused(file, ErrorCode::parse, "version control");
    EXPECT_EQ(std::filesystem::file_size(file), size) << "a damaged file is evidence, and stays as it is";
  }
  device::write_whole_file(file, whole);
  EXPECT_EQ(Ledger(file, Ledger::Mode::read).sample_count(), 200);
}

TEST(Ledger, IsNotOpenedWhenItIsSomethingElse) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  device::write_whole_file(file, "# a text\n");
  expect_refused(file, ErrorCode::parse, "not a whole ledger");
  device::write_whole_file(file, std::string(10000, '\xa5'));
  expect_refused(file, ErrorCode::parse, "not a whole ledger");
  std::filesystem::remove(file);
  EXPECT_EQ(by_hand(file, "CREATE TABLE t (x)"), "");
  expect_refused(file, ErrorCode::parse, "another program's database");
}

TEST(Ledger, OfANewerProgramIsLeftToThatProgram) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  EXPECT_EQ(by_hand(file, "PRAGMA user_version = 2"), "");
  expect_refused(file, ErrorCode::unsupported, "schema version 2, this program knows 1");
}

TEST(Ledger, ThatIsMissingIsAnErrorOnlyForReaders) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  EXPECT_EQ(refusal(file, Ledger::Mode::read).first, ErrorCode::io);
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_EQ(refusal(folder.path(), Ledger::Mode::read).first, ErrorCode::io);
  EXPECT_EQ(refusal(folder.path(), Ledger::Mode::append).first, ErrorCode::io);
  std::ofstream(folder.path() / "file") << "x";
  EXPECT_EQ(refusal(folder.path() / "file" / "ledger.db", Ledger::Mode::append).first, ErrorCode::io);
}

TEST(Ledger, IsNotMadeAnewBesideTheLogOfALostOne) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  std::ofstream(file.string() + "-wal") << "x";
  const auto [code, text] = refusal(file, Ledger::Mode::append);
  EXPECT_EQ(code, ErrorCode::io);
  EXPECT_NE(text.find("ledger.db-wal"), std::string::npos) << text;
}

TEST(Ledger, IsReadWhileItIsAppendedToAndHasOneWriter) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  Ledger writer(file, Ledger::Mode::append);
  writer.append(sample(0));
  auto reader = std::make_unique<Ledger>(file, Ledger::Mode::read);
  EXPECT_EQ(reader->sample_count(), 1);
  writer.append(sample(1));
  EXPECT_EQ(reader->sample_count(), 2);
  EXPECT_THROW(reader->append(sample(2)), Error);
  const auto [code, text] = refusal(file, Ledger::Mode::append);
  EXPECT_EQ(code, ErrorCode::io);
  EXPECT_NE(text.find("locked by another process (process " + std::to_string(::getpid()) + ", writing"),
            std::string::npos)
      << text;
  // The refused one has closed its descriptors by now; that must not have cost the writer its locks.
  writer.append(sample(2));
  std::thread leaving([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    reader.reset();
  });
  EXPECT_NO_THROW(writer.close()) << "a reader that looks for a moment is waited for";
  leaving.join();
  EXPECT_EQ(Ledger(file, Ledger::Mode::append).sample_count(), 3);
}

TEST(Ledger, ThatSomebodyElseHasLockedSaysSo) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  sqlite3* shell = nullptr;
  sqlite3_open(file.c_str(), &shell);
  sqlite3_exec(shell, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr);
  const auto [code, text] = refusal(file, Ledger::Mode::append);
  EXPECT_EQ(code, ErrorCode::io);
  EXPECT_NE(text.find("sqlite3 shell"), std::string::npos) << text;
  sqlite3_exec(shell, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(shell);
  EXPECT_EQ(Ledger(file, Ledger::Mode::append).sample_count(), 200);
}

TEST(Ledger, IsExportedWhole) {
  const TemporaryFolder folder;
  const Path file = small_ledger(folder.path());
  {
    Ledger ledger(file, Ledger::Mode::append);
    ledger.keep("library", "\xff\x01");
  }
  const Json json = export_ledger(Ledger(file, Ledger::Mode::read));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["events"][0]["data"]["name"], "x");
  ASSERT_EQ(json["races"].size(), 1u);
  EXPECT_EQ(json["races"][0]["race"], "a/full_race/1");
  EXPECT_EQ(json["races"][0]["samples"].size(), 200u);
  EXPECT_EQ(json["races"][0]["samples"][199]["seconds"], 199.25);
  ASSERT_EQ(json["contents"].size(), 2u);
  for (const Json& one : json["contents"]) {
    EXPECT_EQ(one.contains("hex") ? one["hex"] : one["text"], one["kind"] == "library" ? "ff01" : "block_m=128");
  }
  EXPECT_NO_THROW(static_cast<void>(json.dump()));
}

}  // namespace
}  // namespace thresher::tank
