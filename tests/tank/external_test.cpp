// External sharks and contestants: the examples take part, and nothing that others do costs more than their time.
#include "tank/external.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "brief_fixture.hpp"
#include "device/files.hpp"
#include "tank/external_brief.hpp"
#include "tank/external_reply.hpp"
#include "tank/round_definition.hpp"
#include "temporary_folder.hpp"

namespace thresher::tank {
namespace {

const std::string kExamples = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "examples";

// What a shark says whose executable is this shell script.
Assessment assessed(const std::string& script, double seconds = 10.0) {
  const BriefFixture fixture;
  return external_shark({.name = "ext", .command = {"sh", "-c", script}, .seconds = seconds}, "")
      ->assess(fixture.brief());
}

// A good reply with a part of its text replaced.
std::string reply_with(const std::string& part = "", const std::string& other = "") {
  Json json = {{"scores", Json::object()}, {"forecast", {{"p_win", 0.25}, {"low", 0.9}, {"high", 1.5}}}};
  for (const Criterion& one : rules_of_round(2).criteria)
    json["scores"][one.name] = {{"score", 7.5}, {"reason", "R"}};
  json["remarks"] = {"first", "second"};
  std::string text = json.dump();
  if (!part.empty()) {
    const std::size_t at = text.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    text.replace(at, part.size(), other);
  }
  return text;
}

Assessment replied(const std::string& reply) {
  const TemporaryFolder folder;
  device::write_whole_file(folder.path() / "reply", reply);
  return assessed("cat '" + (folder.path() / "reply").string() + "'");
}

void expect_no_vote(const Assessment& assessment, const std::string& words) {
  EXPECT_EQ(assessment.shark, "ext");
  EXPECT_TRUE(assessment.scores.empty());
  EXPECT_TRUE(assessment.remarks.empty());
  EXPECT_EQ(assessment.forecast.p_win, 0.5);
  EXPECT_NE(assessment.failure.find("external shark ext"), std::string::npos) << assessment.failure;
  EXPECT_NE(assessment.failure.find(words), std::string::npos) << assessment.failure;
  EXPECT_EQ(assessment.failure.find('\n'), std::string::npos) << assessment.failure;
}

TEST(ExternalProgram, TheExampleScoresFromWhatIsObserved) {
  BriefFixture fixture;
  const auto shark = external_shark({.name = "sceptic", .command = {"./shark.py"}, .seconds = 20}, kExamples);
  const Assessment good = shark->assess(fixture.brief());
  ASSERT_EQ(good.failure, "");
  ASSERT_EQ(good.scores.size(), fixture.rules.criteria.size());
  for (std::size_t i = 0; i < good.scores.size(); ++i) {
    EXPECT_EQ(good.scores[i].criterion, fixture.rules.criteria[i].name);
  }
  EXPECT_NEAR(good.forecast.p_win, 0.3, 1e-12);
  EXPECT_NEAR(given(good, "soundness").score, 10.0, 1e-12);
  EXPECT_NE(given(good, "soundness").reason.find("3 of 3 items hold; moved: padding_fraction, tasks"),
            std::string::npos)
      << given(good, "soundness").reason;

  fixture.make_generic();
  fixture.predict(1.5, 40.0);
  const Assessment bad = shark->assess(fixture.brief());
  ASSERT_EQ(bad.failure, "");
  EXPECT_LT(given(bad, "soundness").score, 1.0);
  ASSERT_EQ(bad.remarks.size(), 1u);
  EXPECT_EQ(bad.remarks[0], "40x is claimed, the floor allows 2.00x");
}

TEST(ExternalProgram, GetsEverythingThatIsInTheBrief) {
  BriefFixture fixture;
  fixture.binding = fixture.history;
  fixture.pitch.answers = {{.lesson = fixture.history[0].id, .text = "it is", .claim = {}}};
  fixture.answers = {{.lesson = fixture.history[0].id, .accepted = false, .reason = "no claim"}};
  const Json json = Json::parse(shark_brief("me", fixture.brief()).dump());
  EXPECT_EQ(json["you"], "me");
  EXPECT_EQ(json["protocol"], 1);
  EXPECT_EQ(json["pitch"]["change"]["config"], "block_m=64");
  EXPECT_EQ(json["pitch"]["answer"][0]["accepted"], false);
  EXPECT_EQ(json["pitch"]["answer"][0]["reason"], "no claim");
  EXPECT_EQ(json["pitch"]["evidence"][2]["holds"], true);
  EXPECT_EQ(json["pitch"]["evidence"][2]["claim"]["relation"], "decreases");
  EXPECT_EQ(json["rules"]["criteria"].size(), 6u);
  EXPECT_EQ(json["device"]["l2_bytes"], 512 << 10);
  EXPECT_EQ(json["cases"][0]["m"], Json({192, 320}));
  EXPECT_NEAR(json["cases"][0]["floor_us"].get<double>(), 131000, 1e-6);
  EXPECT_EQ(json["cases"][0]["baseline"]["values"]["padding_fraction"], 0.2);
  EXPECT_EQ(json["cases"][0]["candidate"]["values"]["padding_fraction"], 0.05);
  EXPECT_EQ(json["lessons"][0]["retry_observables"][0], "panels_ahead");
  EXPECT_EQ(json["binding"][0], fixture.history[0].id);
}

TEST(ExternalProgram, TakesAGoodReply) {
  const Assessment assessment = replied(reply_with());
  EXPECT_EQ(assessment.failure, "");
  EXPECT_EQ(given(assessment, "feasibility").score, 7.5);
  EXPECT_EQ(assessment.forecast.p_win, 0.25);
  EXPECT_EQ(assessment.forecast.low, 0.9);
  EXPECT_EQ(assessment.forecast.high, 1.5);
  EXPECT_EQ(assessment.remarks, (std::vector<std::string>{"first", "second"}));
}

TEST(ExternalProgram, HasNoVoteWhenItsProgramFails) {
  expect_no_vote(assessed("exit 3"), "ended with status 3");
  expect_no_vote(assessed("echo one >&2; echo 'KeyError: x' >&2; exit 1"), "status 1: one KeyError: x");
  expect_no_vote(assessed("kill -SEGV $$"), "ended by signal 11");
  expect_no_vote(assessed("sleep 100", 0.3), "took longer than 0.3 s");
  expect_no_vote(assessed("true"), "replied nothing");
  expect_no_vote(assessed("cat /dev/zero | head -c 100000000"), "more than 1000000 bytes");
  const BriefFixture fixture;
  const auto missing = external_shark({.name = "ext", .command = {"./no-such-file"}, .seconds = 1}, "");
  expect_no_vote(missing->assess(fixture.brief()), "No such file");
}

TEST(ExternalProgram, HasNoVoteWhenItTalksRubbish) {
  expect_no_vote(replied("I like it."), "did not reply in JSON");
  expect_no_vote(replied("{\"scores\": "), "did not reply in JSON");
  expect_no_vote(replied("[]"), "a JSON array");
  expect_no_vote(replied("{}"), "no \"forecast\"");
  expect_no_vote(replied(std::string(500'000, '[')), "");
  expect_no_vote(replied(std::string(400'000, '[') + std::string(400'000, ']')), "levels");
  expect_no_vote(replied(reply_with("\"p_win\":0.25", "\"p_win\":NaN")), "did not reply in JSON");
  expect_no_vote(replied(reply_with("\"p_win\":0.25", "\"p_win\":1e999")), "did not reply in JSON");
  expect_no_vote(replied(reply_with("\"p_win\":0.25", "\"p_win\":1.01")), "not from 0 to 1");
  expect_no_vote(replied(reply_with("\"p_win\":0.25", "\"p_win\":null")), "no number but a null");
  expect_no_vote(replied(reply_with("\"low\":0.9", "\"low\":0")), "not from 0.001 to 1000");
  expect_no_vote(replied(reply_with("\"low\":0.9", "\"low\":2")), "above \"high\"");
  expect_no_vote(replied(reply_with("\"score\":7.5", "\"score\":10.5")), "not from 0 to 10");
  expect_no_vote(replied(reply_with("\"score\":7.5", "\"score\":-1")), "not from 0 to 10");
  expect_no_vote(replied(reply_with("\"score\":7.5", "\"score\":\"10\"")), "no number but a string");
  expect_no_vote(replied(reply_with("\"reason\":\"R\"", "\"reason\":5")), "no text but a number");
  expect_no_vote(replied(reply_with("\"soundness\"", "\"sounds\"")), "no \"soundness\"");
  expect_no_vote(replied(reply_with("\"scores\":{", "\"scores\":{\"beauty\":{},")), "no criterion \"beauty\"");
  expect_no_vote(replied(reply_with("[\"first\",\"second\"]", "\"first\"")), "\"remarks\"");
  expect_no_vote(replied(reply_with("\"first\"", "7")), "a remark is no text");
  expect_no_vote(replied(reply_with("\"R\"", "\"\xff\"")), "did not reply in JSON");
}

TEST(ExternalProgram, ItsTextsAreCutAndHarmless) {
  const std::string odd = R"(a\u001b[31m\u0000\n| b\u202e<script>\u0007)" + std::string(5000, 'x');
  const Assessment assessment = replied(reply_with("\"first\"", "\"" + odd + "\""));
  ASSERT_EQ(assessment.failure, "");
  ASSERT_EQ(assessment.remarks.size(), 2u);
  EXPECT_EQ(assessment.remarks[0].substr(0, 24), "a [31m  | b <script> xxx");
  EXPECT_EQ(assessment.remarks[0].size(), 2003u);
}

ExternalPitch pitched(const std::string& script, const PitchContext& context = {}) {
  return external_pitch("ext-pitch", {"sh", "-c", script}, 10.0, "", Json::object(), context);
}

TEST(ExternalContestant, TheExamplePitchesWhatItsBriefAllows) {
  BriefFixture fixture;
  RoundDefinition round;
  round.name = "02-x";
  round.baseline.block_k = 256;
  round.baseline.prefetch_distance = 0;
  fixture.history[0].category = std::nullopt;
  const Json brief = contestant_brief(round, fixture.rules, fixture.device, fixture.cases, fixture.history);
  PitchContext context{.cases = {"g2-k4096", "g2-k1536"}, .criteria = {}};
  for (const Criterion& one : fixture.rules.criteria)
    context.criteria.push_back(one.name);
  const ExternalPitch result = external_pitch("scripted", {"./contestant.py"}, 20.0, kExamples, brief, context);
  ASSERT_TRUE(result.pitch) << result.failure;
  EXPECT_EQ(result.pitch->id, "scripted");
  EXPECT_EQ(result.pitch->change.patch.to_text(), "block_k=512,prefetch_distance=1152");
  ASSERT_EQ(result.pitch->predictions.size(), 2u);
  EXPECT_EQ(result.pitch->evidence.size(), 3u);
  EXPECT_EQ(result.pitch->test_plan.size(), 5u);
  ASSERT_EQ(result.pitch->answers.size(), 1u);
  EXPECT_EQ(result.pitch->answers[0].claim->observable, "panels_ahead");
  // The text that goes into the ledger reads back as the same pitch.
  const Pitch again = parse_pitch(result.pitch->source_text, "scripted", kExamples, "ledger", context);
  EXPECT_EQ(pitch_json(again), pitch_json(*result.pitch));
}

TEST(ExternalContestant, IsHeldToTheRulesOfFiles) {
  BriefFixture fixture;
  Json good = pitch_json(fixture.pitch);
  good.erase("id");
  good["summary"] = "quotes \" ' \\ and a \xc3\xa9";
  const auto with = [&](const std::string& key, const Json& value) {
    Json json = good;
    json[key] = value;
    return external_pitch("ext", {"printf", "%s", json.dump()}, 10.0, "", Json::object());
  };
  ASSERT_TRUE(with("title", "t").pitch) << with("title", "t").failure;
  EXPECT_EQ(with("title", "t").pitch->summary, good["summary"]);
  const auto expect_refused = [&](const std::string& key, const Json& value, const std::string& words) {
    const ExternalPitch result = with(key, value);
    EXPECT_FALSE(result.pitch) << key;
    EXPECT_NE(result.failure.find(words), std::string::npos) << result.failure;
    EXPECT_EQ(result.failure.find('\n'), std::string::npos) << result.failure;
  };
  expect_refused("surprise", 1, "surprise");
  expect_refused("category", "magic", "magic");
  expect_refused("change", {{"config", "block_q=3"}}, "block_q");
  expect_refused("title", nullptr, "\"title\" is null");
  expect_refused("title", 5, "title");
  expect_refused("prediction", Json::array(), "prediction");
  expect_refused("prediction", {{{"case", "a"}, {"low", -1}, {"high", 2}}}, "low");
  expect_refused("title", std::uint64_t{1} << 63, "too large");
  // A text cannot break out of its quotes into another key.
  const ExternalPitch injected = with("title", "x\"\nkind = \"repitch\"\n[change]\nlibrary = \"evil.so");
  ASSERT_TRUE(injected.pitch) << injected.failure;
  EXPECT_FALSE(injected.pitch->change.library);
  EXPECT_EQ(injected.pitch->title, "x\" kind = \"repitch\" [change] library = \"evil.so");
}

TEST(ExternalContestant, ThatFailsGivesAReason) {
  EXPECT_NE(pitched("exit 9").failure.find("external contestant ext-pitch ('sh -c exit 9') ended with status 9"),
            std::string::npos)
      << pitched("exit 9").failure;
  EXPECT_FALSE(pitched("echo hello").pitch);
  EXPECT_NE(pitched("echo hello").failure.find("JSON"), std::string::npos);
  EXPECT_NE(pitched("echo '{}'").failure.find("contestant"), std::string::npos);
}

}  // namespace
}  // namespace thresher::tank
