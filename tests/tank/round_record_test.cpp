// verdicts.json: keys in one order, nothing left out, null for what does not exist.
#include "tank/round_record.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tank/toml_text.hpp"

namespace thresher::tank {
namespace {

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [key, value] : object.items()) {
    names.push_back(key);
  }
  return names;
}

RoundRecord round2() {
  RoundRecord record;
  record.definition = load_round(kSource / "rounds/02-lessons");
  record.rules = load_rules(record.definition.rules_file);
  record.earlier = {load_round(record.definition.history.at(0))};
  record.history = record.earlier[0].recorded->lessons;
  record.champion_config = record.definition.baseline;
  for (Pitch& pitch :
       load_pitches(record.definition.folder / "pitches", pitch_context(record.definition, record.rules))) {
    PitchRecord one;
    one.pitch = std::move(pitch);
    record.pitches.push_back(std::move(one));
  }
  return record;
}

TEST(VerdictsJson, HasTheSameKeysInTheSameOrderWhateverIsKnown) {
  const std::vector<std::string> expected = {
      "format",        "version",     "round",   "started_at",      "finished_at",     "measured_seconds",
      "out_of_budget", "samples",     "device",  "rules",           "history",         "earlier",
      "cases",         "noise_floor", "pitches", "champion_config", "in_force_reason", "champion_changes",
      "table",         "forecasts",   "regret",  "random_regret"};
  EXPECT_EQ(keys(to_json(RoundRecord{})), expected);
  const Json json = to_json(round2());
  EXPECT_EQ(keys(json), expected);
  for (const Json& pitch : json["pitches"]) {
    EXPECT_EQ(keys(pitch), keys(json["pitches"][0]));
    EXPECT_EQ(keys(pitch["pitch"]), keys(json["pitches"][0]["pitch"]));
  }
  EXPECT_EQ(keys(json["round"]), keys(json["earlier"][0]));
}

TEST(VerdictsJson, WhatDoesNotExistIsNull) {
  const Json json = to_json(round2());
  for (const char* key : {"version", "started_at", "finished_at", "device", "noise_floor", "regret", "random_regret"}) {
    EXPECT_TRUE(json[key].is_null()) << key;
  }
  const Json& pitch = json["pitches"][0];
  for (const char* key : {"refusal", "seal", "panel", "rank", "outcome", "lesson"}) {
    EXPECT_TRUE(pitch[key].is_null()) << key;
  }
  EXPECT_TRUE(pitch["pitch"]["library"].is_null());
  EXPECT_TRUE(json["earlier"][0]["baseline"].is_null());
}

TEST(VerdictsJson, GivesBothReadingsOfTheSeedsTable) {
  const Json json = to_json(round2());
  const Json& result = json["earlier"][0]["recorded"]["results"][0];
  EXPECT_EQ(result["case"], "g8-k7168");
  EXPECT_NEAR(result["time_change"].get<double>(), 0.308, 0.001);
  EXPECT_NEAR(result["speed_up"].get<double>(), 0.764, 0.001);
  EXPECT_EQ(result["printed"], "-31% SLOWER");
}

TEST(VerdictsJson, GivesRawAndNormalisedWeights) {
  const Json criteria = to_json(round2())["rules"]["criteria"];
  double sum = 0.0;
  for (const Json& one : criteria) {
    EXPECT_EQ(one["raw"].get<double>(), one["base"].get<double>() + one["adjustment"].get<double>());
    sum += one["normalised"].get<double>();
  }
  EXPECT_NEAR(sum, 1.0, 1e-12);
}

TEST(VerdictsJson, HoldsWhatWasMeasured) {
  RoundRecord record = round2();
  record.device.kind = "cpu-avx2";
  record.noise_floor = NoiseFloor{};
  record.noise_floor->log_bound = 0.004;
  record.finished_at = "2026-01-01T00:00:00Z";
  BaselineRow row;
  row.one.name = "g8-k7168";
  row.baseline_seconds = 0.9;
  row.target_seconds = 0.6;
  row.seed_baseline_us = 373.0;
  row.seed_target_us = 18.833;
  record.table = {row};
  record.champion = {{.pitch = "x", .before = {}, .after = {}, .in_force = true, .reason = "faster"}};
  PitchRecord& pitch = record.pitches[0];
  pitch.rank = 2;
  pitch.outcome = Outcome{};
  pitch.outcome->verdict = Verdict::win;
  pitch.outcome->speed_up = 1.05;
  pitch.lesson = Lesson{};
  pitch.panel = PanelScore{};
  pitch.panel->total = 7.5;
  pitch.gates = {{.step = "config", .passed = true, .finding = "runs", .seconds = 0.1}};
  pitch.answers = {{"01/x", true, "moved"}};
  const Json json = to_json(record);
  EXPECT_EQ(json["device"]["kind"], "cpu-avx2");
  EXPECT_EQ(json["noise_floor"]["log_bound"], 0.004);
  EXPECT_DOUBLE_EQ(json["table"][0]["baseline_from_target"].get<double>(), 1.5);
  EXPECT_TRUE(json["table"][0]["champion_from_target"].is_null());
  EXPECT_NEAR(json["table"][0]["seed_from_target"].get<double>(), 19.8, 0.05);
  EXPECT_EQ(json["champion_changes"][0]["in_force"], true);
  EXPECT_EQ(json["pitches"][0]["rank"], 2);
  EXPECT_EQ(json["pitches"][0]["outcome"]["verdict"], "WIN");
  EXPECT_TRUE(json["pitches"][0]["outcome"]["low"].is_null());
  EXPECT_EQ(json["pitches"][0]["panel"]["total"], 7.5);
  EXPECT_EQ(json["pitches"][0]["gates"][0]["step"], "config");
  EXPECT_EQ(json["pitches"][0]["answers"][0]["accepted"], true);
}

TEST(VerdictsJson, SaysNothingOfTheMachinesFolders) {
  EXPECT_EQ(to_json(round2()).dump().find(kSource.string()), std::string::npos);
}

TEST(VerdictsJson, ANumberThatIsNoneIsWrittenAsNull) {
  RoundRecord record = round2();
  record.regret = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(to_json(record).dump().find("\"regret\":null"), std::string::npos);
}

TEST(VerdictsJson, IsTheSameTextTwice) {
  EXPECT_EQ(to_json(round2()).dump(), to_json(round2()).dump());
}

}  // namespace
}  // namespace thresher::tank
