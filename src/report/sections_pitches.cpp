// The sections before anything is measured: contestants and panel.
#include <fmt/format.h>

#include <algorithm>

#include "report/sections.hpp"
#include "report/words.hpp"

namespace thresher::report {
namespace {

using tank::PitchRecord;

std::string predictions(const tank::Pitch& pitch) {
  std::vector<std::string> parts;
  for (const tank::Prediction& one : pitch.predictions)
    parts.push_back(fmt::format("{} {:.2f}x to {:.2f}x", one.case_name, one.low, one.high));
  return joined(parts);
}

void add_evidence(Bullets& bullets, const PitchRecord& record) {
  for (std::size_t i = 0; i < record.pitch.evidence.size(); ++i) {
    const tank::EvidenceItem& item = record.pitch.evidence[i];
    std::string text = fmt::format("Evidence ({}, for {}): {}", to_string(item.kind), item.criterion, item.text);
    if (i < record.evidence.size())
      text +=
          fmt::format(" [{}: {}]", record.evidence[i].holds ? "holds" : "does not hold", record.evidence[i].finding);
    bullets.items.push_back(std::move(text));
  }
}

Section pitch_section(const PitchRecord& record) {
  const tank::Pitch& pitch = record.pitch;
  Section section{
      .id = "pitch-" + pitch.id, .title = fmt::format("{} ({})", pitch.title, pitch.id), .level = 3, .blocks = {}};
  const std::string earlier = pitch.earlier.empty() ? "" : " of " + pitch.earlier;
  section.blocks.emplace_back(Paragraph{pitch.summary});
  Bullets bullets;
  bullets.items.push_back(fmt::format("Contestant: {}; {}{}, category {}; change: {}", pitch.contestant,
                                      to_string(pitch.kind), earlier, to_string(pitch.category), change_text(pitch)));
  bullets.items.push_back("Mechanism: " + pitch.mechanism +
                          (pitch.mechanism_observable ? " Shown by: " + claim_text(*pitch.mechanism_observable) : ""));
  bullets.items.push_back(
      fmt::format("Sealed prediction: {} (seal {})", predictions(pitch), record.seal.substr(0, 12)));
  add_evidence(bullets, record);
  for (const tank::Answer& answer : pitch.answers)
    bullets.items.push_back(fmt::format("Answer to {}: {}", answer.lesson, answer.text));
  for (const tank::AnswerCheck& answer : record.answers)
    bullets.items.push_back(fmt::format("{} the answer to {}: {}", answer.accepted ? "Accepted" : "Not accepted",
                                        answer.lesson, answer.reason));
  for (const tank::Risk& risk : pitch.risks)
    bullets.items.push_back(fmt::format("Risk: {} Mitigation: {}", risk.text, risk.mitigation));
  if (!record.admitted) bullets.items.push_back("REFUSED: " + record.refusal);
  section.blocks.emplace_back(std::move(bullets));
  return section;
}

std::vector<const PitchRecord*> ranked(const tank::RoundRecord& record) {
  std::vector<const PitchRecord*> order;
  for (const PitchRecord& pitch : record.pitches)
    if (pitch.panel) order.push_back(&pitch);
  std::sort(order.begin(), order.end(), [](const PitchRecord* a, const PitchRecord* b) { return a->rank < b->rank; });
  return order;
}

TableBlock totals_table(const tank::RoundRecord& record, const std::vector<const PitchRecord*>& order) {
  TableBlock table{
      .header = {"rank", "pitch", "total of 10", "raw points"}, .rows = {}, .numeric = {true, false, true, true}};
  for (const tank::Criterion& one : record.rules.criteria) {
    table.header.push_back(one.name);
    table.numeric.push_back(true);
  }
  table.header.insert(table.header.end(), {"P(win)", "forecast", "decision"});
  table.numeric.insert(table.numeric.end(), {true, false, false});
  for (const PitchRecord* pitch : order) {
    const tank::PanelScore& panel = *pitch->panel;
    std::vector<std::string> row = {fmt::format("{}", pitch->rank), pitch->pitch.id, fmt::format("{:.2f}", panel.total),
                                    fmt::format("{:.0f}", panel.raw_total)};
    for (const double score : panel.criteria)
      row.push_back(fmt::format("{:.1f}", score));
    row.push_back(fmt::format("{:.2f}", panel.forecast.p_win));
    row.push_back(fmt::format("{:.2f}x to {:.2f}x", panel.forecast.low, panel.forecast.high));
    row.push_back(pitch->funded ? "funded" : pitch->explored ? "explored" : "left out");
    table.rows.push_back(std::move(row));
  }
  return table;
}

Section assessment_section(const PitchRecord& pitch) {
  Section section{
      .id = "panel-" + pitch.pitch.id, .title = "The sharks on " + pitch.pitch.id, .level = 3, .blocks = {}};
  TableBlock table{
      .header = {"shark", "criterion", "score", "reason"}, .rows = {}, .numeric = {false, false, true, false}};
  Bullets remarks;
  for (const tank::Assessment& one : pitch.panel->assessments) {
    if (!one.failure.empty()) {
      remarks.items.push_back(fmt::format("{} has no vote: {}", one.shark, one.failure));
      continue;
    }
    for (const tank::CriterionScore& score : one.scores)
      table.rows.push_back({one.shark, score.criterion, fmt::format("{:.1f}", score.score), score.reason});
    remarks.items.push_back(fmt::format("{} forecasts P(win) {:.2f}, {:.2f}x to {:.2f}x{}{}", one.shark,
                                        one.forecast.p_win, one.forecast.low, one.forecast.high,
                                        one.remarks.empty() ? "" : ": ", fmt::join(one.remarks, " ")));
  }
  section.blocks.emplace_back(std::move(table));
  section.blocks.emplace_back(std::move(remarks));
  return section;
}

Chart panel_chart(const std::vector<const PitchRecord*>& order) {
  nlohmann::ordered_json labels = nlohmann::ordered_json::array();
  nlohmann::ordered_json totals = labels;
  nlohmann::ordered_json chances = labels;
  for (const PitchRecord* pitch : order) {
    labels.push_back(pitch->pitch.id);
    totals.push_back(pitch->panel->total);
    chances.push_back(pitch->panel->forecast.p_win * 10.0);
  }
  return {.id = "panel-totals",
          .caption = "the panel's total (of 10) and its forecast of a win (times 10) for every pitch that was heard",
          .config = {
              {"type", "bar"},
              {"data",
               {{"labels", labels},
                {"datasets", {{{"label", "total"}, {"data", totals}}, {{"label", "P(win) x 10"}, {"data", chances}}}}}},
              {"options", {{"indexAxis", "y"}, {"scales", {{"x", {{"min", 0}, {"max", 10}}}}}}}}};
}

}  // namespace

void add_contestants(Document& document, const tank::RoundRecord& record) {
  TableBlock table{.header = {"pitch", "contestant", "kind", "category", "change", "verdict"}, .rows = {}};
  for (const PitchRecord& pitch : record.pitches)
    table.rows.push_back({pitch.pitch.id, pitch.pitch.contestant, to_string(pitch.pitch.kind),
                          to_string(pitch.pitch.category), change_text(pitch.pitch), status(pitch)});
  document.sections.push_back({.id = "contestants", .title = "Contestants", .level = 2, .blocks = {std::move(table)}});
  for (const PitchRecord& pitch : record.pitches)
    document.sections.push_back(pitch_section(pitch));
}

void add_panel(Document& document, const tank::RoundRecord& record) {
  const std::vector<const PitchRecord*> order = ranked(record);
  Section section{.id = "panel", .title = "The panel", .level = 2, .blocks = {}};
  if (order.empty()) {
    section.blocks.emplace_back(Paragraph{"No pitch was heard."});
    document.sections.push_back(std::move(section));
    return;
  }
  section.blocks.emplace_back(Paragraph{
      "Totals use the normalised weights and decide; raw points use the weights before that. Scores are after "
      "the discounts for evidence, sharks weighted by their record."});
  section.blocks.emplace_back(totals_table(record, order));
  section.blocks.emplace_back(panel_chart(order));
  document.sections.push_back(std::move(section));
  for (const PitchRecord* pitch : order)
    document.sections.push_back(assessment_section(*pitch));
}

}  // namespace thresher::report
