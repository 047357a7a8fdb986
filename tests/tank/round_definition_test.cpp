// The rounds that ship load and say what the seed says; new ones load as written; every mistake is named.
#include "tank/round_definition.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "catalog/cases.hpp"
#include "cpu/grouped_gemm.hpp"
#include "tank/toml_text.hpp"
#include "temporary_folder.hpp"

namespace thresher::tank {
namespace {

const std::string kRoundText = R"(title = "Mine"
rules = "../../rules/mine.toml"
history = ["../01-first"]
device = "cpu"
op = "plain"
cases = ["a", "b"]
baseline = "block_m=64,dequant_stages=1"
champions = "../../champions"
seed = 7
needs = ["speed"]

[budget]
seconds = 60
funded = 2

[[shark]]
name = "outsider"
command = ["python3", "shark.py", "-v", "-v"]
seconds = 2.5
)";

const std::string kRecordedText = R"(title = "Old"
rules = "rules.toml"
cases = ["a"]

[recorded]
source = "somewhere"
what_happened = "It was slower."
verdict = "LOSS"
stopped_at = "full_race"
reason = "slower"
reasons = ["one", "two"]

[recorded.pitch]
id = "old"
contestant = "Bob"
category = "tile_size"
title = "Old tile"
change = "tile=9"

[[recorded.result]]
case = "a"
before_us = 100
after_us = 125
printed = "-25%"

[[recorded.lesson]]
id = "tile"
category = "tile_size"
text = "Tiles are hard."
retry = "Show it."
retry_observables = ["tasks"]
)";

class Round : public ::testing::Test {
 protected:
  RoundDefinition load(const std::string& text) {
    const std::filesystem::path path = folder_.path() / "rounds" / "02-mine";
    device::write_whole_file(path / "round.toml", text);
    return load_round(path);
  }

  void expect_mistakes(const std::string& text, const std::vector<Mistake>& mistakes) {
    for (const Mistake& mistake : mistakes) {
      SCOPED_TRACE(mistake.from + " -> " + mistake.to);
      expect_error(ErrorCode::parse, mistake.expected, [&] { load(replaced(text, mistake.from, mistake.to)); });
    }
  }

  TemporaryFolder folder_;
};

TEST_F(Round, HoldsWhatTheFileSays) {
  const RoundDefinition round = load(kRoundText);
  EXPECT_EQ(round.name, "02-mine");
  EXPECT_EQ(round.rules_file, folder_.path() / "rules" / "mine.toml");
  EXPECT_EQ(round.history.at(0), folder_.path() / "rounds" / "01-first");
  EXPECT_EQ(round.op, Op::plain);
  EXPECT_EQ(round.cases, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(round.baseline.block_m, 64);
  EXPECT_EQ(round.champions, folder_.path() / "champions");
  EXPECT_EQ(round.budget.seconds, 60.0);
  EXPECT_EQ(round.budget.funded, 2);
  EXPECT_EQ(round.seed, 7u);
  EXPECT_EQ(round.sharks.at(0).command.size(), 4u);  // a command may say a word twice
  EXPECT_EQ(round.sharks.at(0).seconds, 2.5);
  EXPECT_FALSE(round.recorded);
  EXPECT_EQ(round.source_text, kRoundText);
}

TEST_F(Round, HasANameHoweverItsFolderIsWritten) {
  load(kRoundText);
  EXPECT_EQ(load_round(folder_.path() / "rounds" / "02-mine" / "").name, "02-mine");
  EXPECT_EQ(load_round(folder_.path() / "rounds" / "02-mine" / ".").name, "02-mine");
}

TEST_F(Round, RefusesEveryMistakeWithFileLineKeyAndWayOut) {
  expect_mistakes(kRoundText,
                  {{"title = \"Mine\"\n", "", {"round.toml:1:", "a round without the key 'title'"}},
                   {"needs =", "wants =", {"round.toml:10: unknown key 'wants'", "needs"}},
                   {"cases = [\"a\", \"b\"]", "cases = []", {"round.toml:6: a round without cases"}},
                   {"[\"a\", \"b\"]", "[\"a\", \"a\"]", {"round.toml:6: cases holds \"a\" twice"}},
                   {"[\"a\", \"b\"]", "[\"a\", 3]", {"round.toml:6: cases[1] = 3 is not text"}},
                   {"[\"a\", \"b\"]", "[\"a b\"]", {"round.toml:6: cases names \"a b\""}},
                   {"\"plain\"", "\"dual\"", {"round.toml:5: op = \"dual\" is not one of: plain, gated"}},
                   {"block_m=64", "block_q=64", {"round.toml:7:", "no field 'block_q'", "block_m"}},
                   {"block_m=64", "block_m=65", {"round.toml:7:", "block_m=65 can't run", "multiple of 16"}},
                   {"baseline = \"block_m=64,dequant_stages=1\"\n", "", {"without the key 'baseline'"}},
                   {"seed = 7", "seed = -7", {"round.toml:9: seed = -7 must be"}},
                   {"seconds = 60", "seconds = 0", {"round.toml:13: seconds = 0 must be a number of seconds above 0"}},
                   {"funded = 2", "funded = 0", {"round.toml:14: funded = 0 must be a whole number from 1"}},
                   {"command = [\"python3\", \"shark.py\", \"-v\", \"-v\"]\n",
                    "",
                    {"round.toml:16: a [[shark]] without a command"}}});
  expect_error(ErrorCode::io, {"none", "round.toml"}, [&] { load_round(folder_.path() / "none"); });
}

TEST_F(Round, RecordedResultsGiveSpeedUpsAndLessons) {
  const RoundDefinition round = load(kRecordedText);
  ASSERT_TRUE(round.recorded);
  const RecordedRound& recorded = *round.recorded;
  EXPECT_EQ(recorded.outcome.verdict, Verdict::loss);
  EXPECT_DOUBLE_EQ(recorded.outcome.cases.at(0).speed_up, 0.8);
  EXPECT_DOUBLE_EQ(*recorded.outcome.speed_up, 0.8);
  EXPECT_FALSE(recorded.outcome.cases[0].low);  // nobody kept an interval
  EXPECT_EQ(recorded.pitch.change.patch.to_text(), "tile=9");
  const Lesson& lesson = recorded.lessons.at(0);
  EXPECT_EQ(lesson.id, "02-mine/tile");
  EXPECT_EQ(lesson.mechanisms, recorded.reasons);
  EXPECT_TRUE(lesson.binding && lesson.recorded);
  EXPECT_EQ(lesson.measured, "LOSS, speed-up 0.800: a 100 us -> 125 us, time +25.0 %, speed-up 0.800");
}

TEST_F(Round, RecordedMistakesAreNamed) {
  expect_mistakes(
      kRecordedText,
      {{"verdict = \"LOSS\"", "verdict = \"loss\"", {"round.toml:8:", "WIN, LOSS, SAME"}},
       {"case = \"a\"", "case = \"b\"", {"round.toml:21: case = \"b\" is not in the round; its cases are a"}},
       {"before_us = 100", "before_us = 0", {"round.toml:22: before_us = 0 must be a time above 0"}},
       {"[\"tasks\"]", "[\"jobs\"]", {"round.toml:31: retry_observables names no observable \"jobs\"; there are"}},
       {"\"tile_size\"\ntext", "\"tiles\"\ntext", {"round.toml:28:", "not one of: any, pipeline_stages"}},
       {"change = \"tile=9\"", "change = \"tile\"", {"round.toml:18:", "is not knob=value"}},
       {"id = \"tile\"", "id = \"\"", {"round.toml:27: id = \"\" is empty"}},
       {"retry = \"Show it.\"\n", "", {"a [[recorded.lesson]] without the key 'retry'"}}});
}

TEST(SeedRound1, HoldsTheSeedsFigures) {
  const RoundDefinition round = load_round(kSource / "rounds/01-pipeline-stages");
  ASSERT_TRUE(round.recorded);
  const RecordedRound& recorded = *round.recorded;
  struct Row {
    const char* name;
    double before, after;
    int printed;  // % of the time, as the seed rounds it
  };
  const std::vector<Row> rows = {
      {"g8-k7168", 373, 488, 31}, {"g8-k2048", 372, 462, 24}, {"g2-k4096", 173, 249, 44}, {"g2-k1536", 156, 228, 46}};
  ASSERT_EQ(recorded.outcome.cases.size(), rows.size());
  const std::vector<catalog::Case> cases = catalog::load_cases(kSource / "cases");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CaseResult& one = recorded.outcome.cases[i];
    EXPECT_EQ(one.case_name, rows[i].name);
    EXPECT_NEAR(one.before_seconds, rows[i].before * 1e-6, 1e-12);
    EXPECT_NEAR(one.after_seconds, rows[i].after * 1e-6, 1e-12);
    EXPECT_NEAR((one.after_seconds / one.before_seconds - 1.0) * 100.0, rows[i].printed, 0.5);
    EXPECT_EQ(recorded.printed[i], "-" + std::to_string(rows[i].printed) + "% SLOWER");
    EXPECT_EQ(catalog::find_case(cases, one.case_name).seed_baseline_us, rows[i].before);
  }
  EXPECT_NEAR(recorded.outcome.cases[0].speed_up, 0.764, 0.001);
  EXPECT_EQ(recorded.outcome.verdict, Verdict::loss);
  EXPECT_EQ(recorded.reasons.size(), 5u);
  EXPECT_EQ(recorded.observations.size(), 4u);
  EXPECT_EQ(recorded.pitch.change.patch.to_text(), "num_ab_stage=3");
  EXPECT_NE(recorded.source.find("recorded, not measured here"), std::string::npos);
  EXPECT_NE(recorded.state.find("num_ab_stage = 1  # Reverted from 3"), std::string::npos);
  for (const Lesson& lesson : recorded.lessons) {
    EXPECT_TRUE(lesson.recorded && lesson.binding) << lesson.id;
  }
}

TEST(SeedRound2, StartsFromTheSeedsStateKnobForKnob) {
  const RoundDefinition round = load_round(kSource / "rounds/02-lessons");
  EXPECT_EQ(round.baseline,
            (CpuConfig{.block_m = 128, .block_n = 128, .block_k = 256, .dequant_stages = 1, .prefetch_distance = 0}));
  EXPECT_EQ(round.baseline.store, StoreMode::cached);
  EXPECT_EQ(round.baseline.roles, Roles::fused);
  EXPECT_EQ(round.op, Op::gated);
  EXPECT_EQ(round.needs.size(), 4u);
  EXPECT_EQ(round.history.at(0), (kSource / "rounds/01-pipeline-stages").lexically_normal());
  const std::vector<catalog::Case> cases = catalog::load_cases(kSource / "cases");
  for (const std::string& name : round.cases) {
    EXPECT_NO_THROW(catalog::find_case(cases, name));
  }
}

TEST(SeedRound2, PitchesLoadAndTheirChangesCanRun) {
  const RoundDefinition round = load_round(kSource / "rounds/02-lessons");
  const Rules rules = load_rules(round.rules_file);
  EXPECT_EQ(rules.name, "round-2");
  const std::vector<Pitch> pitches = load_pitches(round.folder / "pitches", pitch_context(round, rules));
  EXPECT_GE(pitches.size(), 8u);
  const std::vector<Lesson> lessons = load_round(round.history.at(0)).recorded->lessons;
  for (const Pitch& pitch : pitches) {
    const CpuConfig config = pitch.change.patch.apply(round.baseline);
    EXPECT_NE(config, round.baseline) << pitch.id;
    EXPECT_EQ(cpu::why_invalid(config, OutputType::fp16).value_or(""), "") << pitch.id;
    // Everybody but the one in the manner of round 1 has an answer to each lesson that binds.
    for (const Lesson& lesson : lessons) {
      if (!binds(lesson, pitch, "cpu-avx2", "gated")) continue;
      const bool answered = std::any_of(pitch.answers.begin(), pitch.answers.end(),
                                        [&](const Answer& one) { return one.lesson == lesson.id && one.claim; });
      EXPECT_EQ(answered, pitch.id != "deep-pipeline") << pitch.id << " and " << lesson.id;
    }
  }
}

TEST(SeedRound2, TheSeedsFourContestantsAreThere) {
  const std::filesystem::path pitches = kSource / "rounds/02-lessons/pitches";
  const Pitch stages = load_pitch(pitches / "pipeline-stages.toml");
  EXPECT_EQ(stages.kind, PitchKind::repitch);
  EXPECT_EQ(stages.earlier, "01-pipeline-stages/pipeline-stages");
  EXPECT_EQ(stages.category, Category::pipeline_stages);
  EXPECT_EQ(load_pitch(pitches / "tile-size.toml").category, Category::tile_size);
  EXPECT_EQ(load_pitch(pitches / "tma-store-epilogue.toml").category, Category::tma_store_epilogue);
  EXPECT_EQ(load_pitch(pitches / "warp-specialization.toml").category, Category::warp_specialization);
}

TEST(SeedRound2, ThePitchInTheMannerOfRound1IsRefused) {
  const Pitch pitch = load_pitch(kSource / "rounds/02-lessons/pitches/deep-pipeline.toml");
  const std::vector<Lesson> lessons = load_round(kSource / "rounds/01-pipeline-stages").recorded->lessons;
  for (const EvidenceItem& item : pitch.evidence) {
    EXPECT_EQ(item.kind, EvidenceKind::generic);
  }
  for (const AnswerCheck& check : check_answers(pitch, lessons, {}, {})) {
    EXPECT_FALSE(check.accepted) << check.lesson;
  }
}

TEST(NewRound, LoadsAsWritten) {
  TemporaryFolder folder;
  const std::filesystem::path round_folder = folder.path() / "rounds" / "03-next";
  write_new_round(round_folder, {kSource / "rounds/01-pipeline-stages", kSource / "rounds/02-lessons"});
  const RoundDefinition round = load_round(round_folder);
  const Rules rules = load_rules(round.rules_file);  // no rules above: the copy beside round.toml
  EXPECT_EQ(rules.name, "round-2");
  EXPECT_EQ(device::read_whole_file(round.rules_file), device::read_whole_file(kSource / "rules/round-2.toml"));
  const RoundDefinition earlier = load_round(kSource / "rounds/02-lessons");
  EXPECT_EQ(round.cases, earlier.cases);
  EXPECT_EQ(round.baseline, earlier.baseline);
  ASSERT_EQ(round.history.size(), 2u);
  EXPECT_NO_THROW(load_round(round.history[0]));
  const std::vector<Pitch> pitches = load_pitches(round_folder / "pitches", pitch_context(round, rules));
  ASSERT_EQ(pitches.size(), 1u);
  EXPECT_EQ(pitches[0].answers.at(0).lesson, "01-pipeline-stages/industry-standard");
}

TEST(NewRound, UsesTheRulesAboveIt) {
  TemporaryFolder folder;
  device::write_whole_file(folder.path() / "rules" / "round-2.toml",
                           device::read_whole_file(kSource / "rules/round-2.toml"));
  write_new_round(folder.path() / "rounds" / "01", {});
  const RoundDefinition round = load_round(folder.path() / "rounds" / "01");
  EXPECT_EQ(std::filesystem::weakly_canonical(round.rules_file),
            std::filesystem::weakly_canonical(folder.path() / "rules" / "round-2.toml"));
  EXPECT_FALSE(std::filesystem::exists(round.folder / "rules.toml"));
  EXPECT_NO_THROW(load_pitches(round.folder / "pitches", pitch_context(round, load_rules(round.rules_file))));
}

TEST(NewRound, NeverWritesIntoAFolderThatHoldsSomething) {
  TemporaryFolder folder;
  device::write_whole_file(folder.path() / "notes.txt", "mine");
  expect_error(ErrorCode::io, {folder.path().string(), "not empty", "does not exist yet"},
               [&] { write_new_round(folder.path(), {}); });
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "round.toml"));
}

}  // namespace
}  // namespace thresher::tank
