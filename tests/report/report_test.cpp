// Reports: every section of the seed, its figures, and text that stays text.
#include "report/report.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "report/sections.hpp"
#include "tank/round_assembly.hpp"

namespace thresher::report {
namespace {

const std::filesystem::path kSource = THRESHER_SOURCE_DIR;

const std::string kHostile =
    "</script><img src=x onerror=alert(1)> | pipes | `code` [link](http://evil.example) _em_ **bold** &lt; $x$\n# "
    "heading";

// A whole record with every text hostile.
tank::RoundRecord hostile_record() {
  tank::RoundRecord record;
  record.definition.name = "02-lessons";
  record.definition.title = kHostile;
  record.definition.intro = "# heading\n" + kHostile;
  record.definition.baseline_note = kHostile;
  record.definition.needs = {"1. first", kHostile};
  record.rules.name = "round-2";
  record.rules.description = "- a list\n- of two";
  record.rules.criteria = {{.name = "soundness", .base = 5, .adjustment = 10, .normalised = 1.0}};
  record.device.name = kHostile;
  record.version = "0.4.0";
  record.started_at = "2026-11-23T12:00:00Z";
  record.earlier = {tank::load_round(kSource / "rounds/01-pipeline-stages")};
  catalog::Case one;
  one.name = "g8-k7168";
  one.problem = {.op = Op::gated, .m = {80, 176}, .n = 4096, .k = 7168, .output = OutputType::fp32};
  record.table = {{.one = one,
                   .baseline_seconds = 0.9,
                   .champion_seconds = 0.8,
                   .target_seconds = 0.3,
                   .seed_baseline_us = 373.0,
                   .seed_target_us = 18.833}};
  tank::CaseFacts facts;
  facts.one = one;
  record.cases = {facts};
  tank::PitchRecord pitch;
  pitch.pitch.id = "evil\"id";
  pitch.pitch.title = pitch.pitch.summary = pitch.pitch.mechanism = pitch.pitch.contestant = kHostile;
  pitch.pitch.risks = {{kHostile, kHostile}};
  pitch.pitch.evidence = {
      {.kind = tank::EvidenceKind::generic, .text = kHostile, .criterion = "soundness", .claim = {}}};
  pitch.pitch.answers = {{.lesson = "01/x", .text = kHostile, .claim = {}}};
  pitch.pitch.predictions = {{"g8-k7168", 1.0, 1.1}};
  pitch.seal = "0123456789abcdef";
  pitch.admitted = true;
  pitch.funded = true;
  pitch.rank = 1;
  pitch.gates = {{.step = "config", .passed = true, .finding = kHostile, .seconds = 0.1}};
  tank::PanelScore panel;
  panel.pitch = pitch.pitch.id;
  panel.total = 6.0;
  panel.criteria = {6.0};
  panel.forecast = {.p_win = 0.5, .low = 1.0, .high = 1.1};
  panel.assessments = {{.shark = kHostile,
                        .scores = {{.criterion = "soundness", .score = 6, .reason = kHostile}},
                        .forecast = panel.forecast,
                        .remarks = {kHostile},
                        .failure = ""}};
  pitch.panel = panel;
  tank::Outcome outcome;
  outcome.verdict = tank::Verdict::win;
  outcome.stopped_at = "confirmation";
  outcome.reason = kHostile;
  outcome.speed_up = 1.1;
  outcome.low = 1.05;
  outcome.high = 1.15;
  outcome.cases = {{.case_name = "g8-k7168",
                    .before_seconds = 0.9,
                    .after_seconds = 0.8,
                    .speed_up = 1.125,
                    .low = {},
                    .high = {},
                    .blocks = 8}};
  pitch.outcome = outcome;
  tank::Lesson lesson;
  lesson.id = "02/evil";
  lesson.text = lesson.retry = lesson.measured = kHostile;
  pitch.lesson = lesson;
  record.pitches = {pitch};
  record.champion = {{.pitch = pitch.pitch.id, .before = {}, .after = {}, .in_force = true, .reason = kHostile}};
  record.in_force_reason = kHostile;
  return record;
}

std::vector<std::string> headings(const std::string& markdown_text) {
  std::vector<std::string> found;
  std::stringstream lines(markdown_text);
  bool in_code = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) in_code = !in_code;
    if (!in_code && line.starts_with("#")) found.push_back(line);
  }
  return found;
}

// Where each heading stands, for an order.
std::vector<std::size_t> places(const std::string& text, const std::vector<std::string>& parts) {
  std::vector<std::size_t> found;
  for (const std::string& part : parts) {
    found.push_back(text.find(part));
    EXPECT_NE(found.back(), std::string::npos) << part << " is missing";
  }
  return found;
}

TEST(Report, HasTheSectionsOfTheSeedInItsOrder) {
  const tank::RoundRecord record = hostile_record();
  const auto in_markdown = places(
      markdown(record), {"\n## Recap: Round 1: the pipeline disaster", "\n### Why it failed", "\n### The lesson",
                         "\n## Rules: round-2", "\n## Current kernel state", "\n### Key observations\n",
                         "\n## What we need", "\n## Contestants", "\n## The panel", "\n## Verdicts", "\n## Champion",
                         "\n## Lessons of this round", "\n## Who was right", "\n## How it was measured"});
  EXPECT_TRUE(std::is_sorted(in_markdown.begin(), in_markdown.end()));
  const auto in_html =
      places(html(record), {"<h2 id=\"recap-01-pipeline-stages\">", "<h2 id=\"rules\">", "<h2 id=\"state\">",
                            "<h3 id=\"observations\">", "<h2 id=\"needs\">", "<h2 id=\"contestants\">",
                            "<h2 id=\"panel\">", "<h2 id=\"results\">", "<h2 id=\"champion\">", "<h2 id=\"lessons\">",
                            "<h2 id=\"forecasts\">", "<h2 id=\"method\">"});
  EXPECT_TRUE(std::is_sorted(in_html.begin(), in_html.end()));
}

TEST(Report, OfTheRecordedRoundShowsTheTableOfTheSeed) {
  const tank::RoundRecord record = tank::recorded_record(tank::load_round(kSource / "rounds/01-pipeline-stages"));
  const std::string text = markdown(record);
  for (const char* row : {"| g8-k7168 | 373 us | 488 us | +30.8 % | 0.76x | -31% SLOWER |",
                          "| g8-k2048 | 372 us | 462 us | +24.2 % | 0.81x | -24% SLOWER |",
                          "| g2-k4096 | 173 us | 249 us | +43.9 % | 0.69x | -44% SLOWER |",
                          "| g2-k1536 | 156 us | 228 us | +46.2 % | 0.68x | -46% SLOWER |"})
    EXPECT_NE(text.find(row), std::string::npos) << row << "\n" << text;
  EXPECT_NE(text.find("1. Already memory-efficient"), std::string::npos);
  EXPECT_NE(text.find("5. Dual GEMM complexity"), std::string::npos);
  EXPECT_NE(text.find("g=2, K=1536: 156 us (target: 1.5 us) - 102.4x from target"), std::string::npos);
  EXPECT_NE(text.find("not measured here"), std::string::npos);
}

TEST(Report, ShowsBaselineAndTargetOfTheSeedWithTheFactorBetween) {
  const std::string text = markdown(hostile_record());
  EXPECT_NE(text.find("| g8-k7168 | 900.0 ms | 300.0 ms | 3.00x | 373 us | 18.833 us | 19.8x |"), std::string::npos);
}

TEST(Report, HostileTextStaysTextInMarkdown) {
  const std::string text = markdown(hostile_record());
  // No heading came from data: each is the document's own or a title's.
  for (const std::string& heading : headings(text))
    EXPECT_EQ(heading.find("# heading\n"), std::string::npos) << heading;
  for (const std::string& heading : headings(text))
    EXPECT_FALSE(heading.starts_with("# heading")) << heading;
  EXPECT_FALSE(std::regex_search(text, std::regex("(^|[^\\\\])<(/script|img)"))) << "a tag is left";
  EXPECT_FALSE(std::regex_search(text, std::regex("(^|[^\\\\])\\[link\\]"))) << "a link is left";
  EXPECT_FALSE(std::regex_search(text, std::regex("(^|[^\\\\])\\*\\*bold"))) << "bold is left";
  EXPECT_FALSE(std::regex_search(text, std::regex("(^|[^\\\\])_em"))) << "emphasis is left";
  EXPECT_FALSE(std::regex_search(text, std::regex("(^|[^\\\\])&lt;"))) << "an entity is left";
  EXPECT_NE(text.find("\n\\- a list - of two\n"), std::string::npos);
  EXPECT_NE(text.find("\n1. 1\\. first\n"), std::string::npos);
  // Every row of a table has as many cells as its header.
  std::stringstream lines(text);
  std::size_t cells = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) {
      cells = 0;
      continue;
    }
    std::size_t count = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      count += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    if (cells == 0) cells = count;
    EXPECT_EQ(count, cells) << line;
  }
  // Names of knobs stay readable.
  EXPECT_NE(text.find("block_m"), std::string::npos);
}

TEST(Report, HostileTextStaysTextInHtml) {
  const std::string text = html(hostile_record());
  EXPECT_EQ(text.find("<img"), std::string::npos);
  EXPECT_EQ(text.find("evil\"id"), std::string::npos);
  EXPECT_NE(text.find("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"), std::string::npos);
  // As many ends of scripts as scripts: no text ends one.
  const auto count = [&](const std::string& part) {
    int found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count("</script>"), 3 + 2);  // a chart each, the library and the page's own
  EXPECT_EQ(count("<h1>"), 1);
}

TEST(Report, HtmlNeedsNoNetwork) {
  const std::string text = html(hostile_record());
  EXPECT_FALSE(
      std::regex_search(text.substr(0, text.find("<script>")), std::regex("(src|href)\\s*=\\s*[\"']?(https?:)?//")));
  EXPECT_EQ(text.find("<link"), std::string::npos);
  EXPECT_EQ(text.find("<script src"), std::string::npos);
  EXPECT_EQ(text.find("@import"), std::string::npos);
}

TEST(Report, EveryChartHasItsCanvasAndDataThatParse) {
  const std::string text = html(hostile_record());
  const std::string open = "<script type=\"application/json\" data-chart=\"";
  std::set<std::string> ids;
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at + 1)) {
    const std::size_t id_at = at + open.size();
    const std::string id = text.substr(id_at, text.find('"', id_at) - id_at);
    EXPECT_TRUE(ids.insert(id).second) << id << " twice";
    EXPECT_NE(text.find("<canvas id=\"" + id + "\""), std::string::npos) << id;
    const std::size_t from = text.find('>', id_at) + 1;
    const auto config = nlohmann::json::parse(text.substr(from, text.find("</script>", from) - from));
    EXPECT_EQ(config.at("type"), "bar");
    const std::size_t labels = config.at("data").at("labels").size();
    EXPECT_GT(labels, 0u) << id;
    ASSERT_TRUE(config.at("data").at("datasets").is_array()) << id;
    for (const auto& set : config.at("data").at("datasets")) {
      EXPECT_TRUE(set.at("label").is_string());
      EXPECT_EQ(set.at("data").size(), labels) << id;
    }
    EXPECT_TRUE(config.at("options").is_object());
  }
  EXPECT_EQ(ids, (std::set<std::string>{"from-target", "panel-totals", "promised-measured"}));
}

TEST(Report, ARoundThatHasJustStartedHasAReport) {
  tank::RoundRecord record;
  record.definition.title = "Nothing yet";
  record.rules.name = "round-2";
  EXPECT_NE(markdown(record).find("No pitch was heard."), std::string::npos);
  EXPECT_NE(html(record).find("Nothing was measured, so nothing was learnt."), std::string::npos);
}

TEST(Report, IsTheSameForTheSameRecord) {
  EXPECT_EQ(html(hostile_record()), html(hostile_record()));
  EXPECT_EQ(markdown(hostile_record()), markdown(hostile_record()));
}

}  // namespace
}  // namespace thresher::report
