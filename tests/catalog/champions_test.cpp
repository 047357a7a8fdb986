// Champion files: what is read, what is refused, and that storing one entry leaves the others alone.
#include "catalog/champions.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "device/files.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::catalog {
namespace {

namespace fs = std::filesystem;

ChampionRecord record_of(Op op, ShapeClass shape_class, std::int32_t block_m, Isa isa = Isa::avx2) {
  return {.op = op,
          .shape_class = shape_class,
          .config = {.isa = isa, .block_m = block_m},
          .round = "02-lessons",
          .measured = "+4.1 % (95 %: +3.0 .. +5.2)",
          .date = "2026-11-23"};
}

const std::string kGood =
    "[[champion]]\nop = \"gated\"\nshape_class = \"decode\"\nconfig = \"isa=avx2,block_m=64\"\nround = \"r\"\n"
    "measured = \"+1 %\"\ndate = \"2026-11-23\"\n";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  return text.replace(text.find(from), from.size(), to);
}

void expect_error(const std::function<void()>& action, ErrorCode code, const std::vector<std::string>& parts) {
  try {
    action();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << " not in: " << error.what();
    }
  }
}

void expect_refused(const std::string& text, const std::vector<std::string>& parts) {
  SCOPED_TRACE(text);
  expect_error([&text] { parse_champions(text, "cpu-avx2", "some.toml"); }, ErrorCode::parse, parts);
}

TEST(ChampionFile, IsReadWithItsSource) {
  const TemporaryFolder folder;
  device::write_whole_file(folder.path() / "cpu-avx2.toml", kGood);
  const ChampionTable table = load_champions(folder.path(), "cpu-avx2");
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table[0].op, Op::gated);
  EXPECT_EQ(table[0].shape_class, ShapeClass::decode);
  EXPECT_EQ(table[0].config, (CpuConfig{.isa = Isa::avx2, .block_m = 64}));
  EXPECT_EQ(table[0].source, "round r, 2026-11-23: +1 %");
}

TEST(ChampionFile, ThatIsMissingOrEmptyHoldsNone) {
  const TemporaryFolder folder;
  EXPECT_TRUE(load_champions(folder.path(), "cpu-avx2").empty());
  EXPECT_TRUE(load_champions(folder.path() / "none", "cpu-avx2").empty());
  EXPECT_TRUE(parse_champions("# nothing yet\n", "cpu-avx2", "some.toml").empty());
}

TEST(ChampionFile, IsRefusedNamingLineAndValue) {
  expect_refused("[[champion", {"some.toml:1:", "not TOML"});
  expect_refused("x = 1\n", {"some.toml:1:", "'x'"});
  expect_refused("champion = 3\n", {"some.toml:1:", "'champion' is not a [[champion]] table"});
  expect_refused("champion = [3]\n", {"some.toml:1:", "not a table"});
  expect_refused(with("round", "rund"), {"some.toml:5:", "unknown key 'rund'", "op, shape_class"});
  expect_refused(with("date = \"2026-11-23\"\n", ""), {"some.toml:1:", "without the key 'date'"});
  expect_refused(with("\"gated\"", "\"dual\""), {"some.toml:2:", "op = \"dual\"", "plain, gated"});
  expect_refused(with("\"decode\"", "\"long\""), {"some.toml:3:", "shape_class = \"long\"", "decode, prefill"});
  expect_refused(with("\"+1 %\"", "1"), {"some.toml:6:", "measured = 1"});
  expect_refused(with("\"r\"", "\"\""), {"some.toml:5:", "round = "});
  expect_refused(with("block_m", "block_q"), {"some.toml:4:", "block_q", "block_m"});
  expect_refused(with("block_m=64", "block_m=17"), {"some.toml:4:", "block_m=17"});
  expect_refused(with("isa=avx2", "isa=amx"), {"some.toml:4:", "isa=amx", "cpu-avx2", "say isa=avx2"});
  expect_refused(with("isa=avx2,", ""), {"some.toml:4:", "isa=automatic"});
  expect_refused(kGood + kGood, {"some.toml:8:", "second champion of gated decode"});
}

TEST(ChampionFile, OfAKindThatIsNoneIsRefused) {
  expect_error([] { champions_path("x", "cpu-sse9"); }, ErrorCode::invalid_argument, {"'cpu-sse9'", "cpu-avx512"});
  expect_error([] { champions_path("x", "../cpu-avx2"); }, ErrorCode::invalid_argument, {"'../cpu-avx2'"});
}

TEST(StoreChampion, ReplacesItsEntryAndKeepsTheOthers) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "made";  // makes missing folders
  const ChampionRecord decode = record_of(Op::gated, ShapeClass::decode, 16);
  const ChampionRecord prefill = record_of(Op::gated, ShapeClass::prefill, 32);
  const ChampionRecord plain = record_of(Op::plain, ShapeClass::decode, 48);
  for (const ChampionRecord& record : {decode, prefill, plain})
    store_champion(path, "cpu-avx2", record);
  const ChampionRecord better = record_of(Op::gated, ShapeClass::prefill, 64);
  store_champion(path, "cpu-avx2", better);
  EXPECT_EQ(load_champion_records(path, "cpu-avx2"), (std::vector<ChampionRecord>{decode, better, plain}));
}

TEST(StoreChampion, WritesTheSameBytesForTheSameEntries) {
  const TemporaryFolder folder;
  store_champion(folder.path(), "cpu-avx2", record_of(Op::gated, ShapeClass::decode, 16));
  store_champion(folder.path(), "cpu-avx2", record_of(Op::plain, ShapeClass::decode, 32));
  const std::string before = device::read_whole_file(folder.path() / "cpu-avx2.toml");
  store_champion(folder.path(), "cpu-avx2", record_of(Op::plain, ShapeClass::decode, 48));
  store_champion(folder.path(), "cpu-avx2", record_of(Op::plain, ShapeClass::decode, 32));
  EXPECT_EQ(device::read_whole_file(folder.path() / "cpu-avx2.toml"), before);
  EXPECT_EQ(before.rfind("# ", 0), 0u) << before;
}

TEST(StoreChampion, KeepsTextWithQuotesAndLines) {
  const TemporaryFolder folder;
  ChampionRecord record = record_of(Op::gated, ShapeClass::decode, 16);
  record.measured = "'+4 %' of \"all\" \\ cases\nand\tmore";
  store_champion(folder.path(), "cpu-avx2", record);
  EXPECT_EQ(load_champion_records(folder.path(), "cpu-avx2"), std::vector<ChampionRecord>{record});
}

TEST(StoreChampion, RefusesWhatCouldNotBeReadAndLeavesTheFile) {
  const TemporaryFolder folder;
  store_champion(folder.path(), "cpu-avx2", record_of(Op::gated, ShapeClass::decode, 16));
  const std::string before = device::read_whole_file(folder.path() / "cpu-avx2.toml");
  ChampionRecord bytes = record_of(Op::gated, ShapeClass::prefill, 16);
  bytes.measured = "\xff\xfe";
  ChampionRecord silent = record_of(Op::gated, ShapeClass::prefill, 16);
  silent.round.clear();
  for (const ChampionRecord& bad : {bytes, silent, record_of(Op::gated, ShapeClass::decode, 16, Isa::amx),
                                    record_of(Op::gated, ShapeClass::decode, 17)}) {
    expect_error([&] { store_champion(folder.path(), "cpu-avx2", bad); }, ErrorCode::parse, {"the champion of gated"});
    EXPECT_EQ(device::read_whole_file(folder.path() / "cpu-avx2.toml"), before);
  }
}

TEST(OpenChampions, ReadsEveryKindFromTheFirstPlaceThatExists) {
  const TemporaryFolder named;
  const TemporaryFolder here;
  store_champion(named.path(), "cpu-avx2", record_of(Op::gated, ShapeClass::decode, 16));
  store_champion(named.path(), "cpu-amx", record_of(Op::gated, ShapeClass::decode, 32, Isa::amx));
  const fs::path before = fs::current_path();
  fs::current_path(here.path());
  const Champions builtin = open_champions({});
  store_champion(champions_folder({}), "cpu-avx2", record_of(Op::plain, ShapeClass::prefill, 48));
  const Champions beside = open_champions({});
  device::Environment environment;
  environment.champions = named.path().string();
  const Champions variable = open_champions(environment);
  fs::current_path(before);

  EXPECT_EQ(builtin.source, "built in");
  EXPECT_EQ(beside.source, "./champions");
  ASSERT_EQ(beside.table.size(), 1u);
  EXPECT_EQ(beside.table[0].config.block_m, 48);
  EXPECT_NE(variable.source.find("THRESHER_CHAMPIONS"), std::string::npos);
  ASSERT_EQ(variable.table.size(), 2u);
  EXPECT_NE(find_champion(variable.table, Op::gated, ShapeClass::decode, Isa::amx), nullptr);
  EXPECT_EQ(find_champion(variable.table, Op::gated, ShapeClass::decode, Isa::portable), nullptr);
}

TEST(OpenChampions, OfAFolderThatDoesNotExistYetHoldsNone) {
  device::Environment environment;
  environment.champions = "/nonexistent/champions";
  EXPECT_TRUE(open_champions(environment).table.empty());
  EXPECT_EQ(champions_folder(environment), "/nonexistent/champions");
}

}  // namespace
}  // namespace thresher::catalog
