// The sections of what was measured: results, champion, lessons, forecasts, method.
#include <fmt/format.h>

#include <cmath>

#include "report/sections.hpp"
#include "report/words.hpp"

namespace thresher::report {
namespace {

using tank::PitchRecord;

TableBlock verdict_table(const tank::RoundRecord& record) {
  TableBlock table{
      .header = {"pitch", "measured as", "verdict", "decided by", "speed-up, 95 %", "mechanism seen", "why"},
      .rows = {},
      .numeric = {}};
  for (const PitchRecord& pitch : record.pitches) {
    if (!pitch.outcome) continue;
    const tank::Outcome& outcome = *pitch.outcome;
    table.rows.push_back(
        {pitch.pitch.id, pitch.funded ? "funded" : "explored", to_string(outcome.verdict), outcome.stopped_at,
         effect(outcome.speed_up, outcome.low, outcome.high),
         !outcome.mechanism_seen   ? "not named"
         : *outcome.mechanism_seen ? "yes"
                                   : "no",
         outcome.reason + (outcome.more_blocks && outcome.verdict == tank::Verdict::ambiguous
                               ? fmt::format(" About {} more blocks would decide.", *outcome.more_blocks)
                               : "")});
  }
  return table;
}

// A bar from the low to the high end of an interval, in percent of speed-up.
nlohmann::ordered_json bar(double low, double high) {
  const auto percent = [](double ratio) { return std::round((ratio - 1.0) * 1e4) / 1e2; };
  return nlohmann::ordered_json::array({percent(low), percent(high)});
}

Chart promise_chart(const tank::RoundRecord& record) {
  nlohmann::ordered_json labels = nlohmann::ordered_json::array();
  nlohmann::ordered_json promised = labels;
  nlohmann::ordered_json forecast = labels;
  nlohmann::ordered_json measured = labels;
  for (const PitchRecord& pitch : record.pitches) {
    if (!pitch.outcome) continue;
    labels.push_back(pitch.pitch.id);
    double low = 0.0;
    double high = 0.0;
    for (const tank::Prediction& one : pitch.pitch.predictions) {
      low += std::log(one.low) / static_cast<double>(pitch.pitch.predictions.size());
      high += std::log(one.high) / static_cast<double>(pitch.pitch.predictions.size());
    }
    promised.push_back(pitch.pitch.predictions.empty() ? nlohmann::ordered_json(nullptr)
                                                       : bar(std::exp(low), std::exp(high)));
    forecast.push_back(pitch.panel ? bar(pitch.panel->forecast.low, pitch.panel->forecast.high)
                                   : nlohmann::ordered_json(nullptr));
    const tank::Outcome& outcome = *pitch.outcome;
    measured.push_back(outcome.low && outcome.high ? bar(*outcome.low, *outcome.high)
                                                   : nlohmann::ordered_json(nullptr));
  }
  return {.id = "promised-measured",
          .caption = "speed-up in percent: what was promised, what the panel forecast, what was measured (95 %)",
          .config = {
              {"type", "bar"},
              {"data",
               {{"labels", labels},
                {"datasets",
                 {{{"label", "promised (80 %)"}, {"data", promised}},
                  {{"label", "panel's forecast (80 %)"}, {"data", forecast}},
                  {{"label", "measured (95 %)"}, {"data", measured}}}}}},
              {"options",
               {{"indexAxis", "y"}, {"scales", {{"x", {{"title", {{"display", true}, {"text", "speed-up, %"}}}}}}}}}}};
}

Section trial_section(const PitchRecord& pitch) {
  Section section{.id = "trial-" + pitch.pitch.id, .title = pitch.pitch.id, .level = 3, .blocks = {}};
  TableBlock gates{
      .header = {"gate", "passed", "finding", "seconds"}, .rows = {}, .numeric = {false, false, false, true}};
  for (const tank::GateRecord& gate : pitch.gates)
    gates.rows.push_back({gate.step, gate.passed ? "yes" : "no", gate.finding, fmt::format("{:.1f}", gate.seconds)});
  section.blocks.emplace_back(std::move(gates));
  if (pitch.outcome->cases.empty()) return section;
  TableBlock cases{.header = {"case", "before", "after", "time", "speed-up, 95 %", "blocks"},
                   .rows = {},
                   .numeric = {false, true, true, true, true, true}};
  for (const tank::CaseResult& one : pitch.outcome->cases)
    cases.rows.push_back({one.case_name, duration(one.before_seconds), duration(one.after_seconds),
                          percent_change(one.after_seconds / one.before_seconds),
                          effect(one.speed_up, one.low, one.high), fmt::format("{}", one.blocks)});
  section.blocks.emplace_back(std::move(cases));
  return section;
}

}  // namespace

void add_results(Document& document, const tank::RoundRecord& record) {
  Section section{.id = "results", .title = "Verdicts", .level = 2, .blocks = {}};
  if (record.noise_floor) {
    section.blocks.emplace_back(
        Paragraph{fmt::format("Noise floor: differences within {:.2f} % are nothing on this machine ({} blocks of the "
                              "baseline against a second "
                              "copy of itself on {}; blocks scatter by {:.2f} %).",
                              std::expm1(record.noise_floor->log_bound) * 100.0, record.noise_floor->blocks,
                              joined(record.noise_floor->cases), record.noise_floor->spread * 100.0)});
  }
  section.blocks.emplace_back(verdict_table(record));
  section.blocks.emplace_back(promise_chart(record));
  if (record.out_of_budget) section.blocks.emplace_back(Paragraph{"The budget ended before everything was decided."});
  document.sections.push_back(std::move(section));
  for (const PitchRecord& pitch : record.pitches)
    if (pitch.outcome) document.sections.push_back(trial_section(pitch));
}

void add_champion(Document& document, const tank::RoundRecord& record) {
  Section section{.id = "champion", .title = "Champion", .level = 2, .blocks = {}};
  if (record.champion.empty()) {
    section.blocks.emplace_back(Paragraph{"Nothing won: the baseline stays, unchanged."});
  } else {
    TableBlock table{.header = {"pitch", "before", "after", "why"}, .rows = {}};
    for (const tank::ChampionChange& one : record.champion)
      table.rows.push_back({one.pitch, to_text(one.before), to_text(one.after), one.reason});
    section.blocks.emplace_back(std::move(table));
  }
  section.blocks.emplace_back(Code{to_text(record.champion_config)});
  if (!record.in_force_reason.empty()) section.blocks.emplace_back(Paragraph{record.in_force_reason});
  TableBlock table{.header = {"case", "baseline", "champion", "time", "target (floor here)", "from target"},
                   .rows = {},
                   .numeric = {false, true, true, true, true, true}};
  for (const tank::BaselineRow& row : record.table) {
    const std::optional<double> now = row.champion_seconds ? row.champion_seconds : row.baseline_seconds;
    table.rows.push_back(
        {row.one.name, duration(row.baseline_seconds), duration(row.champion_seconds),
         row.baseline_seconds && row.champion_seconds ? percent_change(*row.champion_seconds / *row.baseline_seconds)
                                                      : "-",
         duration(row.target_seconds), now && row.target_seconds ? factor(*now / *row.target_seconds) : "-"});
  }
  section.blocks.emplace_back(std::move(table));
  document.sections.push_back(std::move(section));
}

void add_lessons(Document& document, const tank::RoundRecord& record) {
  Section section{.id = "lessons", .title = "Lessons of this round", .level = 2, .blocks = {}};
  TableBlock table{.header = {"lesson", "verdict", "binds", "predicted", "measured", "what was seen", "to try again"},
                   .rows = {}};
  for (const PitchRecord& pitch : record.pitches) {
    if (!pitch.lesson) continue;
    const tank::Lesson& one = *pitch.lesson;
    table.rows.push_back({one.id + ": " + one.text, to_string(one.verdict), one.binding ? "yes" : "no", one.predicted,
                          one.measured, joined(one.mechanisms), one.retry});
  }
  if (table.rows.empty()) {
    section.blocks.emplace_back(Paragraph{"Nothing was measured, so nothing was learnt."});
  } else {
    section.blocks.emplace_back(std::move(table));
  }
  document.sections.push_back(std::move(section));
}

void add_forecasts(Document& document, const tank::RoundRecord& record) {
  Section section{.id = "forecasts", .title = "Who was right", .level = 2, .blocks = {}};
  TableBlock table{.header = {"who", "role", "forecasts", "Brier score (0.25 is a coin)", "interval score",
                              "weight now", "weight next"},
                   .rows = {},
                   .numeric = {false, false, true, true, true, true, true}};
  const auto number = [](const std::optional<double>& value) { return value ? fmt::format("{:.3f}", *value) : "-"; };
  for (const tank::ForecastRecord& one : record.forecasts)
    table.rows.push_back({one.who, one.role, fmt::format("{}", one.forecasts), number(one.brier),
                          number(one.interval_score), fmt::format("{:.2f}", one.weight),
                          fmt::format("{:.2f}", one.next_weight)});
  section.blocks.emplace_back(std::move(table));
  if (record.regret) {
    section.blocks.emplace_back(Paragraph{fmt::format(
        "The panel's first choice left {:.1f} % on the table against the best pitch that was measured; a pitch drawn "
        "at "
        "random would have left {}.",
        *record.regret * 100.0, record.random_regret ? fmt::format("{:.1f} %", *record.random_regret * 100.0) : "-")});
  }
  document.sections.push_back(std::move(section));
}

void add_method(Document& document, const tank::RoundRecord& record) {
  const device::Ceilings& ceilings = record.device.ceilings;
  Bullets bullets;
  bullets.items.push_back(fmt::format("{} ({}), {} threads, thresher {}", record.device.name, record.device.kind,
                                      record.device.threads, record.version));
  bullets.items.push_back(fmt::format(
      "Ceilings measured in this run: reads {:.1f} GB/s; multiply-add {}.", ceilings.read_bytes_per_second * 1e-9, [&] {
        std::vector<std::string> rates;
        for (const auto& [isa, rate] : ceilings.flops_per_second)
          rates.push_back(fmt::format("{} {:.0f} GFLOP/s", to_string(isa), rate * 1e-9));
        return joined(rates);
      }()));
  bullets.items.push_back(
      "Incumbent and candidate each run in a process of their own, in blocks of ABBA or BAAB decided by "
      "a coin, on fresh inputs that both see once; every output is checked before its time counts.");
  bullets.items.push_back(
      fmt::format("Verdicts: betting e-process on block log-ratios, error {:g} over a whole race however "
                  "often it is looked at, and {:g} % intervals.",
                  record.rules.decision.alpha, record.rules.decision.confidence * 100.0));
  bullets.items.push_back(
      fmt::format("{} samples in {:.0f} s; all of them are in the ledger beside this report, and "
                  "'thresher round replay' judges them again.",
                  record.samples, record.measured_seconds));
  document.sections.push_back(
      {.id = "method", .title = "How it was measured", .level = 2, .blocks = {std::move(bullets)}});
}

}  // namespace thresher::report
