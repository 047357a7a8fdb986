// Cases: what ships, where they come from, and every way a file can be wrong.
#include "catalog/cases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "catalog/builtin_cases.hpp"
#include "device/files.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::catalog {
namespace {

const std::string kGood = "[[case]]\nname = \"a\"\nm = [1, 0]\nn = 3\nk = 16\n";

Catalog builtin() {
  // A folder without ./cases: what a lone executable sees.
  const TemporaryFolder empty;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(empty.path());
  Catalog catalog = open_catalog(std::nullopt, {});
  std::filesystem::current_path(before);
  return catalog;
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

void expect_refused(const std::string& text, ErrorCode code, const std::vector<std::string>& parts) {
  SCOPED_TRACE(text);
  expect_error([&text] { parse_cases(text, "some.toml"); }, code, parts);
}

TEST(BuiltinCases, AreTheTenThatShip) {
  const Catalog catalog = builtin();
  EXPECT_EQ(catalog.source, "built in");
  std::vector<std::string> names;
  for (const Case& one : catalog.cases) {
    names.push_back(one.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"decode-g32", "decode-g8-m4", "dual-m256-n3072-k4096",
                                             "dual-m256-n4096-k7168", "dual-m512-n3072-k7168", "dual-m512-n4096-k7168",
                                             "g2-k1536", "g2-k4096", "g8-k2048", "g8-k7168"}));
}

TEST(BuiltinCases, HoldTheSeedsNumbers) {
  const Catalog catalog = builtin();
  const Case& seed = find_case(catalog.cases, "g8-k7168");
  EXPECT_EQ(seed.problem.op, Op::plain);
  EXPECT_EQ(seed.problem.m, (std::vector<std::int64_t>{80, 176, 128, 72, 64, 248, 96, 160}));
  EXPECT_EQ(seed.problem.n, 4096);
  EXPECT_EQ(seed.problem.k, 7168);
  EXPECT_EQ(seed.target_us, 18.833);
  EXPECT_EQ(seed.seed_baseline_us, 373.0);
  EXPECT_NE(seed.target_source.find("B200"), std::string::npos);

  const Case& decode = find_case(catalog.cases, "decode-g32");
  EXPECT_EQ(decode.problem.groups(), 32);
  EXPECT_EQ(decode.problem.total_m(), 272);
  EXPECT_EQ(decode.target_us, std::nullopt);
  EXPECT_EQ(decode.target_source, "");
  EXPECT_EQ(find_case(catalog.cases, "dual-m512-n3072-k7168").problem.op, Op::gated);
}

TEST(Case, TargetsDoNotCarryOverToTheOtherOp) {
  const Catalog catalog = builtin();
  const Case& seed = find_case(catalog.cases, "g2-k4096");
  const Case gated = seed.with_op(Op::gated);
  EXPECT_EQ(gated.problem.op, Op::gated);
  EXPECT_EQ(gated.problem.m, seed.problem.m);
  EXPECT_EQ(gated.target_us, std::nullopt);
  EXPECT_EQ(gated.target_source, "");
  EXPECT_EQ(gated.seed_baseline_us, std::nullopt);
  EXPECT_EQ(seed.with_op(Op::plain).target_us, 2.406);
}

TEST(ParseCases, FillsDefaultsAndReadsEveryKey) {
  const Case plain = parse_cases(kGood, "x").at(0);
  EXPECT_EQ(plain.problem.op, Op::plain);
  EXPECT_EQ(plain.problem.operand, OperandType::nvfp4);
  EXPECT_EQ(plain.problem.output, OutputType::fp16);
  EXPECT_FALSE(plain.problem.bias);
  EXPECT_EQ(plain.problem.m, (std::vector<std::int64_t>{1, 0}));

  const Case full = parse_cases(kGood +
                                    "description = \"d\"\nop = \"gated\"\noperand = \"bf16\"\noutput = \"fp32\"\n"
                                    "activation = \"relu2\"\nbias = true\ntarget_us = 2\ntarget_source = \"s\"\n"
                                    "seed_baseline_us = 3.5\n",
                                "x")
                        .at(0);
  EXPECT_EQ(full.description, "d");
  EXPECT_EQ(full.problem.op, Op::gated);
  EXPECT_EQ(full.problem.operand, OperandType::bf16);
  EXPECT_EQ(full.problem.output, OutputType::fp32);
  EXPECT_EQ(full.problem.activation.kind, ActivationKind::relu2);
  EXPECT_TRUE(full.problem.bias);
  EXPECT_EQ(full.target_us, 2.0);
  EXPECT_EQ(full.target_source, "s");
  EXPECT_EQ(full.seed_baseline_us, 3.5);
}

TEST(ParseCases, SortsByName) {
  const std::string b = "[[case]]\nname = \"b\"\nm = [1]\nn = 1\nk = 16\n";
  EXPECT_EQ(parse_cases(b + kGood, "x").at(0).name, "a");
}

TEST(ParseCases, NamesFileLineKeyAndValueOfWhatIsWrong) {
  const auto with = [](const std::string& line) { return kGood + line + "\n"; };
  expect_refused(with("kk = 16"), ErrorCode::parse, {"some.toml:6", "'kk'", "seed_baseline_us"});
  expect_refused(with("op = \"both\""), ErrorCode::invalid_argument, {"some.toml:6", "op", "both", "plain, gated"});
  expect_refused(with("op = 1"), ErrorCode::parse, {"some.toml:6", "op = 1", "text"});
  expect_refused(with("operand = \"int8\""), ErrorCode::invalid_argument, {"operand", "int8", "bf16"});
  expect_refused(with("output = \"int8\""), ErrorCode::invalid_argument, {"output", "int8", "fp32"});
  expect_refused(with("activation = \"tanh\""), ErrorCode::invalid_argument, {"activation", "tanh", "gelu_tanh"});
  expect_refused(with("bias = \"yes\""), ErrorCode::parse, {"bias", "yes", "true or false"});
  expect_refused(with("target_us = 1.0"), ErrorCode::parse, {"some.toml:6", "target_us", "target_source"});
  expect_refused(with("target_source = \"s\""), ErrorCode::parse, {"target_source without target_us"});
  expect_refused(with("target_source = \"\"\ntarget_us = 1.0"), ErrorCode::invalid_argument, {"target_source"});
  expect_refused(with("target_source = \"s\"\ntarget_us = 0"), ErrorCode::invalid_argument, {"target_us = 0"});
  expect_refused(with("target_source = \"s\"\ntarget_us = inf"), ErrorCode::invalid_argument, {"target_us = inf"});
  expect_refused(with("target_source = \"s\"\ntarget_us = \"1\""), ErrorCode::parse, {"target_us", "a number"});
  expect_refused(with("seed_baseline_us = -1"), ErrorCode::invalid_argument, {"seed_baseline_us = -1"});
  expect_refused(with("description = [1]"), ErrorCode::parse, {"description"});
}

TEST(ParseCases, RefusesImpossibleShapes) {
  const auto shape = [](const std::string& m, const std::string& n, const std::string& k) {
    return "[[case]]\nname = \"a\"\nm = " + m + "\nn = " + n + "\nk = " + k + "\n";
  };
  expect_refused(shape("[4, -2]", "1", "16"), ErrorCode::invalid_argument, {"some.toml:3", "m[1] = -2", "negative"});
  expect_refused(shape("[1.5]", "1", "16"), ErrorCode::parse, {"m[0] = 1.5"});
  expect_refused(shape("[\"1\"]", "1", "16"), ErrorCode::parse, {"m[0]"});
  expect_refused(shape("4", "1", "16"), ErrorCode::parse, {"m = 4", "array"});
  expect_refused(shape("[]", "1", "16"), ErrorCode::invalid_argument, {"m = []"});
  expect_refused(shape("[1]", "0", "16"), ErrorCode::invalid_argument, {"some.toml:4", "n = 0"});
  expect_refused(shape("[1]", "1", "100"), ErrorCode::invalid_argument, {"some.toml:5", "k = 100", "16"});
  expect_refused(shape("[1]", "1", "0"), ErrorCode::invalid_argument, {"k = 0"});
  expect_refused(shape("[1]", "1", "-16"), ErrorCode::invalid_argument, {"k = -16"});
  expect_refused(shape("[1]", "1", "16.0"), ErrorCode::parse, {"k = 16"});
  expect_refused(shape("[9223372036854775807, 1]", "9223372036854775807", "16"), ErrorCode::invalid_argument, {"'a'"});
}

TEST(ParseCases, RefusesEachMissingKey) {
  for (const std::string key : {"name", "m", "n", "k"}) {
    std::string text = kGood;
    const std::size_t start = text.find("\n" + key + " =") + 1;
    text.erase(start, text.find('\n', start) - start + 1);
    expect_refused(text, ErrorCode::parse, {"some.toml:1", "'" + key + "'"});
  }
}

TEST(ParseCases, RefusesBadNamesAndDuplicates) {
  expect_refused("[[case]]\nname = \"a b\"\nm = [1]\nn = 1\nk = 16\n", ErrorCode::invalid_argument, {"a b"});
  expect_refused("[[case]]\nname = \"../x\"\nm = [1]\nn = 1\nk = 16\n", ErrorCode::invalid_argument, {"../x"});
  expect_refused("[[case]]\nname = \"\"\nm = [1]\nn = 1\nk = 16\n", ErrorCode::invalid_argument, {"name"});
  expect_refused(kGood + kGood, ErrorCode::invalid_argument, {"some.toml:1", "some.toml:6", "\"a\""});
}

TEST(ParseCases, RefusesWhatIsNotACasesFile) {
  expect_refused("", ErrorCode::parse, {"some.toml", "[[case]]"});
  expect_refused("case = 3\n", ErrorCode::parse, {"some.toml", "[[case]]"});
  expect_refused("case = [1]\n", ErrorCode::parse, {"some.toml:1", "[[case]]"});
  expect_refused("[case]\nname = \"a\"\n", ErrorCode::parse, {"[[case]]"});
  expect_refused(kGood + "[other]\n", ErrorCode::parse, {"some.toml:6", "'other'"});
  expect_refused("[[case]]\nname = \"a\nm", ErrorCode::parse, {"some.toml:2", "not TOML"});
  expect_refused(std::string("\x00\xff\xfe garbage", 11), ErrorCode::parse, {"some.toml"});
}

TEST(ParseCases, NoPrefixOfAGoodFileCrashes) {
  for (std::size_t length = 0; length < kGood.size(); ++length) {
    try {
      parse_cases(kGood.substr(0, length), "x");
    } catch (const Error&) {
    }
  }
}

TEST(LoadCases, ReadsAllFilesAndOnlyToml) {
  const TemporaryFolder folder;
  device::write_whole_file(folder.path() / "1.toml", kGood);
  device::write_whole_file(folder.path() / "2.toml", "[[case]]\nname = \"b\"\nm = [1]\nn = 1\nk = 16\n");
  device::write_whole_file(folder.path() / "notes.txt", "not a case");
  EXPECT_EQ(load_cases(folder.path()).size(), 2u);
}

TEST(LoadCases, NamesFolderOrFilesThatAreWrong) {
  const TemporaryFolder folder;
  expect_error([&] { load_cases(folder.path()); }, ErrorCode::io, {folder.path().string(), "*.toml"});
  expect_error([&] { load_cases(folder.path() / "none"); }, ErrorCode::io, {"none", "No such file"});
  device::write_whole_file(folder.path() / "1.toml", kGood);
  device::write_whole_file(folder.path() / "2.toml", kGood);
  expect_error([&] { load_cases(folder.path()); }, ErrorCode::invalid_argument, {"1.toml:1", "2.toml:1", "\"a\""});
}

TEST(FindCase, ListsTheNearestNames) {
  const Catalog catalog = builtin();
  EXPECT_EQ(find_case(catalog.cases, "g2-k1536").name, "g2-k1536");
  expect_error([&] { find_case(catalog.cases, "g8-k7618"); }, ErrorCode::invalid_argument,
               {"'g8-k7618'", "are: g8-k7168"});
  expect_error([&] { find_case({}, "x"); }, ErrorCode::invalid_argument, {"'x'"});
}

TEST(OpenCatalog, PrefersTheFolderThenTheVariableThenTheCurrentFolder) {
  const TemporaryFolder folder;
  const auto file = [](const std::string& name) {
    return "[[case]]\nname = \"" + name + "\"\nm = [1]\nn = 1\nk = 16\n";
  };
  device::write_whole_file(folder.path() / "given" / "c.toml", file("given"));
  device::write_whole_file(folder.path() / "variable" / "c.toml", file("variable"));
  device::write_whole_file(folder.path() / "cases" / "readme.txt", "");
  device::Environment environment;
  environment.cases = (folder.path() / "variable").string();

  EXPECT_EQ(open_catalog(folder.path() / "given", environment).cases.at(0).name, "given");
  EXPECT_EQ(open_catalog(std::nullopt, environment).cases.at(0).name, "variable");
  expect_error([&] { open_catalog(folder.path() / "typo", environment); }, ErrorCode::io, {"typo"});

  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  EXPECT_EQ(open_catalog(std::nullopt, {}).source, "built in");
  device::write_whole_file("cases/c.toml", file("here"));
  EXPECT_EQ(open_catalog(std::nullopt, {}).source, "./cases");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace thresher::catalog
