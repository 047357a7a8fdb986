// Pitches are read strictly, and a patch of knobs changes what it names and nothing else.
#include "tank/pitch.hpp"

#include <gtest/gtest.h>

#include "tank/toml_text.hpp"
#include "temporary_folder.hpp"

namespace thresher::tank {
namespace {

const PitchContext kContext{.cases = {"g8-k7168", "g2-k1536"}, .criteria = {"soundness", "expected_gain"}};

Pitch parse(const std::string& text) {
  return parse_pitch(text, "stages", "/rounds/02/pitches", "stages.toml", kContext);
}

TEST(Pitch, HoldsWhatTheFileSays) {
  const Pitch pitch = parse(kPitchText);
  EXPECT_EQ(pitch.id, "stages");
  EXPECT_EQ(pitch.contestant, "Ada");
  EXPECT_EQ(pitch.kind, PitchKind::repitch);
  EXPECT_EQ(pitch.earlier, "01-first/old");
  EXPECT_EQ(pitch.category, Category::pipeline_stages);
  ASSERT_TRUE(pitch.mechanism_observable);
  EXPECT_EQ(pitch.mechanism_observable->case_name, "g8-k7168");
  EXPECT_EQ(pitch.change.patch.to_text(), "dequant_stages=2,block_m=64");
  EXPECT_FALSE(pitch.change.library);
  ASSERT_EQ(pitch.predictions.size(), 2u);
  EXPECT_EQ(pitch.predictions[0].high, 1.1);
  EXPECT_EQ(pitch.predictions[1].low, 1.0);  // a whole number is a number
  ASSERT_EQ(pitch.evidence.size(), 2u);
  EXPECT_EQ(pitch.evidence[0].claim->value, 5.0);
  EXPECT_EQ(pitch.evidence[1].kind, EvidenceKind::generic);
  EXPECT_EQ(pitch.risks.at(0).mitigation, "A short race.");
  ASSERT_EQ(pitch.test_plan.size(), 3u);
  EXPECT_EQ(pitch.test_plan[2].cases, std::vector<std::string>{"g2-k1536"});
  EXPECT_EQ(pitch.answers.at(0).claim->relation, Relation::differs);
  EXPECT_EQ(pitch.source_text, kPitchText);
}

const std::string kClaim = R"(claim = { observable = "panels_ahead", relation = "at_least", value = 5 })";
const std::vector<Mistake> kMistakes = {
    {"contestant = \"Ada\"",
     "contestent = \"Ada\"",
     {"stages.toml:1: unknown key 'contestent' = \"Ada\"", "contestant"}},
    {"contestant = \"Ada\"\n", "", {"stages.toml:", "without the key 'contestant'; add it"}},
    {"\"Ada\"", "\" \"", {"stages.toml:1: contestant", "is empty"}},
    {"\"Ada\"", "7", {"stages.toml:1: contestant = 7 is not text in quotes"}},
    {"\"Ada\"", "\"Ada", {"stages.toml:1:", "not TOML"}},
    {"\"repitch\"", "\"again\"", {"stages.toml:2: kind = \"again\" is not one of: new, repitch, modified"}},
    {"earlier = \"01-first/old\"\n", "", {"kind = \"repitch\" must name the earlier pitch", "round/pitch"}},
    {"\"01-first/old\"\ncat", "\"old\"\ncat", {"stages.toml:3:", "earlier = \"round/pitch\", not \"old\""}},
    {"\"repitch\"", "\"new\"", {"stages.toml:3: earlier", "kind = \"new\"; remove it"}},
    {"\"pipeline_stages\"", "\"pipelines\"", {"stages.toml:4: category = \"pipelines\" is not one of", "tile_size"}},
    {"title = \"A title\"", "title = [1]", {"stages.toml:5: title = [ 1 ] is not text"}},
    {"\"panels_ahead\", relation = \"increases\", case",
     "\"panels\", relation = \"increases\", case",
     {"stages.toml:8:", "no observable \"panels\"; there are", "panels_handed_over"}},
    {"\"increases\", case", "\"grows\", case", {"stages.toml:8: relation = \"grows\" is not one of: increases"}},
    {"case = \"g8-k7168\" }", "case = \"g9\" }", {"stages.toml:8:", "\"g9\" is not a case of this round", "g2-k1536"}},
    {"case = \"g8-k7168\" }", "cases = \"g9\" }", {"stages.toml:8: unknown key 'cases'"}},
    {"[change]\nconfig = \"dequant_stages=2, block_m=64\"\n", "", {"a pitch without [change]"}},
    {"\"dequant_stages=2, block_m=64\"",
     "\"dequant_stage=2\"",
     {"stages.toml:11: config = \"dequant_stage=2\"", "no field 'dequant_stage'", "dequant_stages, prefetch_distance"}},
    {"block_m=64", "block_m=wide", {"stages.toml:11:", "'block_m' has the value 'wide'"}},
    {"block_m=64", "dequant_stages=3", {"stages.toml:11:", "'dequant_stages' twice"}},
    {"config = \"deq", "library = \"x.so\"\nconfig = \"deq", {"exactly one of them"}},
    {"config = \"dequant_stages=2, block_m=64\"", "", {"exactly one of them"}},
    {"config = \"dequant_stages=2, block_m=64\"", "library = \"x.cpp\"", {"stages.toml:11:", "does not end in .so"}},
    {"low = 0.98", "low = 1.2", {"stages.toml:15: low = 1.2 is above high = 1.1; swap them"}},
    {"low = 0.98", "low = 0", {"stages.toml:15: low = 0 must be a speed-up above 0"}},
    {"low = 0.98", "low = -1.0", {"stages.toml:15: low = -1 must be"}},
    {"high = 1.1", "high = inf", {"stages.toml:16: high = inf must be"}},
    {"high = 1.1", "high = nan", {"stages.toml:16: high = nan must be"}},
    {"high = 1.1", "high = \"much\"", {"stages.toml:16: high = \"much\" is not a number"}},
    {"low = 0.98\n", "", {"stages.toml:13:", "without the key 'low'"}},
    {"case = \"g8-k7168\"\nlow", "case = \"g2-k1536\"\nlow", {"stages.toml:19: a second prediction"}},
    {"case = \"g8-k7168\"\nlow", "case = \"g8-k2048\"\nlow", {"stages.toml:14:", "is not a case of this round"}},
    {"\n[[prediction]]\ncase = \"g2-k1536\"\nlow = 1\nhigh = 1\n", "", {"no [[prediction]] for case \"g2-k1536\""}},
    {"kind = \"kernel_specific\"", "kind = \"specific\"", {"stages.toml:24:", "kernel_specific, generic"}},
    {kClaim, "", {"stages.toml:24:", "without a claim that can be looked up"}},
    {"\"It is said.\"", "\"It is said.\"\n" + kClaim, {"makes no claim about this kernel"}},
    {"\"soundness\"\ntext = \"It is c", "\"beauty\"\ntext = \"It is c", {"stages.toml:25:", "\"beauty\"", "soundness"}},
    {"\"at_least\", value = 5", "\"at_least\"", {"stages.toml:27: relation = \"at_least\" needs a value"}},
    {"\"at_least\", value = 5", "\"differs\", value = 5", {"stages.toml:27:", "takes no value; remove it"}},
    {"text = \"It may be slow.\"\n", "", {"stages.toml:34: a [[risk]] without the key 'text'"}},
    {"step = \"config\"", "step = \"compile\"", {"stages.toml:39:", "config, observable, correctness"}},
    {"step = \"config\"", "step = \"observable\"", {"stages.toml:39: a claim belongs to step"}},
    {"step = \"config\"", "step = \"short_race\"", {"a second step \"short_race\"; each runs once"}},
    {"step = \"config\"", "step = \"config\"\ncases = [\"g2-k1536\"]", {"cases belong to step = \"short_race\" alone"}},
    {"cases = [\"g2-k1536\"]", "cases = [\"g4\"]", {"stages.toml:47:", "\"g4\" is not a case of this round"}},
    {"cases = [\"g2-k1536\"]", "cases = \"g2-k1536\"", {"stages.toml:47:", "is not an array of texts"}},
    {"lesson = \"01-first/old\"", "lesson = \"\"", {"stages.toml:50: lesson = \"\" is empty"}},
    {"text = \"It is filled now.\"\n", "", {"an [[answer]] without the key 'text'"}},
    {"[[answer]]", "[[answer]]\nlesson = \"01-first/old\"\ntext = \"Twice.\"\n\n[[answer]]", {"a second answer"}},
    {"[[risk]]", "[risk]", {"risk = a table is not an array of tables; start each with [[risk]]"}},
};

TEST(Pitch, RefusesEveryMistakeWithFileLineKeyAndWayOut) {
  for (const Mistake& mistake : kMistakes) {
    SCOPED_TRACE(mistake.from + " -> " + mistake.to);
    expect_error(ErrorCode::parse, mistake.expected, [&] { parse(replaced(kPitchText, mistake.from, mistake.to)); });
  }
}

TEST(Pitch, IsCheckedAgainstARoundOnlyWhereOneIsGiven) {
  const std::string text = replaced(kPitchText, "case = \"g8-k7168\"\nlow", "case = \"elsewhere\"\nlow");
  EXPECT_EQ(parse_pitch(text, "stages", ".", "stages.toml").predictions[0].case_name, "elsewhere");
}

TEST(Pitch, FindsALibraryBesideItsFile) {
  const std::string text =
      replaced(kPitchText, "config = \"dequant_stages=2, block_m=64\"", "library = \"../lib/mine.so\"");
  const Pitch pitch = parse(text);
  EXPECT_EQ(pitch.change.library, "/rounds/02/lib/mine.so");
  EXPECT_TRUE(pitch.change.patch.fields.empty());
}

TEST(Pitch, TakesItsNameFromItsFile) {
  TemporaryFolder folder;
  device::write_whole_file(folder.path() / "b.toml", kPitchText);
  device::write_whole_file(folder.path() / "a.toml", kPitchText);
  device::write_whole_file(folder.path() / "notes.txt", "no pitch");
  const std::vector<Pitch> pitches = load_pitches(folder.path(), kContext);
  ASSERT_EQ(pitches.size(), 2u);
  EXPECT_EQ(pitches[0].id, "a");
  EXPECT_EQ(pitches[1].id, "b");
  device::write_whole_file(folder.path() / "a b.toml", kPitchText);
  expect_error(ErrorCode::parse, {"a b.toml", "name the file"}, [&] { load_pitches(folder.path(), kContext); });
}

TEST(Pitch, MissingFoldersAndFilesAreNamed) {
  TemporaryFolder folder;
  expect_error(ErrorCode::io, {folder.path().string(), "holds no pitch"}, [&] { load_pitches(folder.path()); });
  expect_error(ErrorCode::io, {"none", "can't be read"}, [&] { load_pitches(folder.path() / "none"); });
  expect_error(ErrorCode::io, {"none.toml"}, [&] { load_pitch(folder.path() / "none.toml"); });
}

TEST(ConfigPatch, ChangesTheNamedFieldsAlone) {
  const CpuConfig base = cpu_config_from_text("block_m=128,block_n=128,block_k=256,dequant_stages=1,store=streaming");
  const CpuConfig patched = ConfigPatch::from_text("block_m=64, roles=specialised").apply(base);
  CpuConfig expected = base;
  expected.block_m = 64;
  expected.roles = Roles::specialised;
  EXPECT_EQ(patched, expected);
  EXPECT_EQ(ConfigPatch{}.apply(base), base);
}

TEST(ConfigPatch, RefusesWhatIsNoKnobAndListsThoseThereAre) {
  const auto apply = [](std::vector<std::pair<std::string, std::string>> fields) {
    return ConfigPatch{.fields = std::move(fields)}.apply({});
  };
  expect_error(ErrorCode::parse, {"'stages'", "dequant_stages", "prefetch_distance"}, [&] {
    apply({{"stages", "3"}});
  });
  expect_error(ErrorCode::parse, {"'store'", "'fast'", "cached, streaming"}, [&] { apply({{"store", "fast"}}); });
  expect_error(ErrorCode::parse, {"'block_m' twice"}, [&] { apply({{"block_m", "16"}, {"block_m", "32"}}); });
  expect_error(ErrorCode::parse, {"changes nothing"}, [&] { ConfigPatch::from_text(" "); });
}

TEST(PitchNames, AreTheSameBothWays) {
  for (int i = 0; i <= static_cast<int>(Category::other); ++i) {
    EXPECT_EQ(parse_category(to_string(static_cast<Category>(i))), static_cast<Category>(i));
  }
  for (int i = 0; i <= static_cast<int>(Relation::at_most); ++i) {
    EXPECT_EQ(parse_relation(to_string(static_cast<Relation>(i))), static_cast<Relation>(i));
  }
  for (int i = 0; i <= static_cast<int>(TestStepKind::full_race); ++i) {
    EXPECT_EQ(parse_test_step(to_string(static_cast<TestStepKind>(i))), static_cast<TestStepKind>(i));
  }
  for (int i = 0; i <= static_cast<int>(PitchKind::modified); ++i) {
    EXPECT_EQ(parse_pitch_kind(to_string(static_cast<PitchKind>(i))), static_cast<PitchKind>(i));
  }
  EXPECT_STREQ(to_string(PitchKind::fresh), "new");
  EXPECT_FALSE(parse_category("unknown"));
}

}  // namespace
}  // namespace thresher::tank
