// The order of a report, and the sections that tell what was before: recap, rules, kernel state.
#include "report/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "device/waves.hpp"
#include "report/words.hpp"

namespace thresher::report {
namespace {

std::string subtitle(const tank::RoundRecord& record) {
  if (record.definition.recorded) {
    return fmt::format("Recorded history, not measured here. Source: {}", record.definition.recorded->source);
  }
  return fmt::format("{}, {} threads, {} samples, started {}{}", record.device.name, record.device.threads,
                     record.samples, record.started_at,
                     record.finished_at.empty() ? ", not finished" : ", finished " + record.finished_at);
}

std::string points(double value) {
  return fmt::format("{:g}", value);
}

void add_scoring(Section& section, const tank::Rules& rules) {
  TableBlock table{.header = {"criterion", "base", "adjustment", "raw weight", "normalised"},
                   .rows = {},
                   .numeric = {false, true, true, true, true}};
  for (const tank::Criterion& one : rules.criteria)
    table.rows.push_back({one.name, points(one.base), fmt::format("{:+g}", one.adjustment), points(one.raw()),
                          fmt::format("{:.1f} %", one.normalised * 100.0)});
  section.blocks.emplace_back(std::move(table));
}

TableBlock state_table(const tank::RoundRecord& record) {
  TableBlock table{.header = {"case", "baseline", "target (floor here)", "from target", "seed's baseline on B200",
                              "seed's target", "from target"},
                   .rows = {},
                   .numeric = {false, true, true, true, true, true, true}};
  for (const tank::BaselineRow& row : record.table) {
    const bool both = row.baseline_seconds && row.target_seconds;
    const bool seed = row.seed_baseline_us && row.seed_target_us;
    table.rows.push_back({row.one.name, duration(row.baseline_seconds), duration(row.target_seconds),
                          both ? factor(*row.baseline_seconds / *row.target_seconds) : "-",
                          row.seed_baseline_us ? duration(*row.seed_baseline_us * 1e-6) : "-",
                          row.seed_target_us ? duration(*row.seed_target_us * 1e-6) : "-",
                          seed ? factor(*row.seed_baseline_us / *row.seed_target_us) : "-"});
  }
  return table;
}

Chart state_chart(const tank::RoundRecord& record) {
  nlohmann::ordered_json labels = nlohmann::ordered_json::array();
  nlohmann::ordered_json baseline = labels;
  nlohmann::ordered_json champion = labels;
  const auto ratio = [](const std::optional<double>& seconds, const std::optional<double>& target) {
    return seconds && target ? nlohmann::ordered_json(*seconds / *target) : nlohmann::ordered_json(nullptr);
  };
  for (const tank::BaselineRow& row : record.table) {
    labels.push_back(row.one.name);
    baseline.push_back(ratio(row.baseline_seconds, row.target_seconds));
    champion.push_back(ratio(row.champion_seconds, row.target_seconds));
  }
  return {
      .id = "from-target",
      .caption = "how many times the floor each case takes: baseline and champion (1 is the floor)",
      .config = {
          {"type", "bar"},
          {"data",
           {{"labels", labels},
            {"datasets", {{{"label", "baseline"}, {"data", baseline}}, {{"label", "champion"}, {"data", champion}}}}}},
          {"options",
           {{"scales",
             {{"y", {{"beginAtZero", true}, {"title", {{"display", true}, {"text", "times the floor"}}}}}}}}}}};
}

std::string range(double low, double high, const char* format) {
  return low == high
             ? fmt::format(fmt::runtime(format), low)
             : fmt::format("{} to {}", fmt::format(fmt::runtime(format), low), fmt::format(fmt::runtime(format), high));
}

// Computed, not said: what is true of these cases on this device.
Bullets observations(const tank::RoundRecord& record) {
  double nearest = 1e300;
  double farthest = 0.0;
  std::int64_t least_m = INT64_MAX;
  std::int64_t most_m = 0;
  double least_padding = 1e300;
  double most_padding = 0.0;
  std::size_t memory_bound = 0;
  for (const tank::BaselineRow& row : record.table) {
    if (row.baseline_seconds && row.target_seconds) {
      nearest = std::min(nearest, *row.baseline_seconds / *row.target_seconds);
      farthest = std::max(farthest, *row.baseline_seconds / *row.target_seconds);
    }
    for (const std::int64_t m : row.one.problem.m) {
      least_m = std::min(least_m, m);
      most_m = std::max(most_m, m);
    }
    // The seed's tile: 128 rows, whatever a group has.
    const double padding = device::padding_fraction(row.one.problem.m, 128).value_or(0.0);
    least_padding = std::min(least_padding, padding);
    most_padding = std::max(most_padding, padding);
  }
  for (const tank::CaseFacts& facts : record.cases)
    memory_bound += facts.memory_bound ? 1 : 0;
  Bullets bullets{.items = {}, .numbered = true};
  if (farthest > 0.0) {
    bullets.items.push_back(
        fmt::format("The baseline takes {} times this device's floor.", range(nearest, farthest, "{:.2f}")));
  }
  bullets.items.push_back(
      fmt::format("Small M: groups have {} to {} rows; tiles of 128 rows would add {} % of padding.", least_m, most_m,
                  range(least_padding * 100.0, most_padding * 100.0, "{:.0f}")));
  bullets.items.push_back(fmt::format("{} of {} cases are bound by memory on this device, the others by arithmetic.",
                                      memory_bound, record.cases.size()));
  bullets.items.push_back(fmt::format(
      "NVFP4 moves 0.5625 bytes an element (4 bits and a scale per 16); the {} op multiplies every row with {}.",
      to_string(record.definition.op), record.definition.op == Op::gated ? "two weight matrices" : "one"));
  return bullets;
}

}  // namespace

Document document_of(const tank::RoundRecord& record) {
  Document document{.title = record.definition.title, .subtitle = subtitle(record), .sections = {}};
  if (record.definition.recorded) {
    add_recap(document, record.definition);
    return document;
  }
  if (!record.definition.intro.empty()) {
    document.sections.push_back(
        {.id = "intro", .title = "This round", .level = 2, .blocks = {Paragraph{record.definition.intro}}});
  }
  for (const tank::RoundDefinition& earlier : record.earlier)
    add_recap(document, earlier);
  add_rules(document, record);
  add_kernel_state(document, record);
  add_contestants(document, record);
  add_panel(document, record);
  add_results(document, record);
  add_champion(document, record);
  add_lessons(document, record);
  add_forecasts(document, record);
  add_method(document, record);
  return document;
}

void add_recap(Document& document, const tank::RoundDefinition& round) {
  if (!round.recorded) {
    document.sections.push_back(
        {.id = "recap-" + round.name,
         .title = "Recap: " + round.title,
         .level = 2,
         .blocks = {Paragraph{"Measured in " + round.name + "; its own report has the figures."}}});
    return;
  }
  const tank::RecordedRound& recorded = *round.recorded;
  Section happened{.id = "recap-" + round.name, .title = "Recap: " + round.title, .level = 2, .blocks = {}};
  happened.blocks.emplace_back(Paragraph{"Recorded, not measured here. " + recorded.what_happened});
  TableBlock table{.header = {"case", "before", "after", "time", "speed-up", "as printed"},
                   .rows = {},
                   .numeric = {false, true, true, true, true, true}};
  for (std::size_t i = 0; i < recorded.outcome.cases.size(); ++i) {
    const tank::CaseResult& one = recorded.outcome.cases[i];
    table.rows.push_back({one.case_name, duration(one.before_seconds), duration(one.after_seconds),
                          percent_change(one.after_seconds / one.before_seconds),
                          factor(one.before_seconds / one.after_seconds),
                          i < recorded.printed.size() ? recorded.printed[i] : "-"});
  }
  happened.blocks.emplace_back(std::move(table));
  document.sections.push_back(std::move(happened));
  document.sections.push_back({.id = "why-" + round.name,
                               .title = "Why it failed",
                               .level = 3,
                               .blocks = {Bullets{.items = recorded.reasons, .numbered = true}}});
  Section lessons{.id = "lesson-" + round.name, .title = "The lesson", .level = 3, .blocks = {}};
  for (const tank::Lesson& lesson : recorded.lessons) {
    lessons.blocks.emplace_back(
        Paragraph{fmt::format("{}: {} To try again: {}", lesson.id, lesson.text, lesson.retry)});
  }
  document.sections.push_back(std::move(lessons));
  if (!recorded.observations.empty()) {
    document.sections.push_back({.id = "observations-" + round.name,
                                 .title = "Key observations then",
                                 .level = 3,
                                 .blocks = {Bullets{.items = recorded.observations, .numbered = true}}});
  }
  if (!recorded.state.empty()) {
    document.sections.push_back(
        {.id = "state-" + round.name, .title = "Kernel state then", .level = 3, .blocks = {Code{recorded.state}}});
  }
}

void add_rules(Document& document, const tank::RoundRecord& record) {
  const tank::Rules& rules = record.rules;
  Section section{.id = "rules", .title = "Rules: " + rules.name, .level = 2, .blocks = {Paragraph{rules.description}}};
  Bullets bullets;
  bullets.items.push_back("Contestants may pitch anew, repitch (naming the earlier pitch) or modify an earlier pitch.");
  if (rules.require_answers)
    bullets.items.push_back(
        "Every lesson that binds a pitch must be answered with a claim that holds when it is looked up; "
        "otherwise the pitch is refused.");
  if (rules.require_history) bullets.items.push_back("The panel sees every earlier round, or it is not held.");
  if (rules.require_kernel_specific)
    bullets.items.push_back(
        fmt::format("Evidence must be of this kernel: {} score 0 without an item that holds; a generic "
                    "item counts {:g}.",
                    joined(rules.evidence_criteria), rules.generic_discount));
  if (rules.exploration_share > 0.0)
    bullets.items.push_back(
        fmt::format("{:.0f} % of the measurements go to pitches that the panel did not fund, so that "
                    "its mistakes are seen.",
                    rules.exploration_share * 100.0));
  bullets.items.push_back(
      fmt::format("A win needs a gain above {:.1f} % and the noise floor, no case worse than {:.1f} %, "
                  "and a confirmation in new processes.",
                  rules.decision.min_gain * 100.0, rules.decision.case_margin * 100.0));
  section.blocks.emplace_back(std::move(bullets));
  add_scoring(section, rules);
  document.sections.push_back(std::move(section));
}

void add_kernel_state(Document& document, const tank::RoundRecord& record) {
  document.sections.push_back(
      {.id = "state",
       .title = "Current kernel state",
       .level = 2,
       .blocks = {Paragraph{record.definition.baseline_note}, Code{to_text(record.definition.baseline)},
                  state_table(record), state_chart(record)}});
  document.sections.push_back(
      {.id = "observations", .title = "Key observations", .level = 3, .blocks = {observations(record)}});
  if (!record.definition.needs.empty()) {
    document.sections.push_back({.id = "needs",
                                 .title = "What we need",
                                 .level = 2,
                                 .blocks = {Bullets{.items = record.definition.needs, .numbered = true}}});
  }
}

}  // namespace thresher::report
