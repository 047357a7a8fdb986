// Reads rules/*.toml. docs/tank.md says what each key means.
#include "tank/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "device/files.hpp"
#include "tank/toml_reader.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr NumberRange kShare{0.0, 1.0, false, "a share from 0 to 1"};

const std::vector<std::string_view> kRulesKeys = {"name",
                                                  "description",
                                                  "generic_discount",
                                                  "require_kernel_specific",
                                                  "evidence_criteria",
                                                  "require_history",
                                                  "require_answers",
                                                  "exploration_share",
                                                  "criterion",
                                                  "decision",
                                                  "blocks"};

std::vector<Criterion> read_criteria(const TableReader& rules) {
  constexpr NumberRange kWeight{0.0, kInfinity, false, "a weight of 0 or more points"};
  constexpr NumberRange kAdjustment{-kInfinity, kInfinity, false, "a number of points"};
  std::vector<Criterion> criteria;
  double sum = 0.0;
  for (const TableReader& one : rules.tables("criterion", "a [[criterion]]", {"name", "base", "adjustment"})) {
    Criterion criterion{.name = one.name("name"),
                        .base = one.required_number("base", kWeight),
                        .adjustment = one.number("adjustment", kAdjustment).value_or(0.0)};
    if (criterion.raw() < 0.0) {
      one.fail("adjustment", fmt::format("{} makes the weight of \"{}\" negative ({} + {} = {}); take less away",
                                         one.shown("adjustment"), criterion.name, criterion.base, criterion.adjustment,
                                         criterion.raw()));
    }
    if (std::any_of(criteria.begin(), criteria.end(),
                    [&](const Criterion& other) { return other.name == criterion.name; })) {
      one.fail("name", fmt::format("a second criterion \"{}\"; remove one", criterion.name));
    }
    sum += criterion.raw();
    criteria.push_back(std::move(criterion));
  }
  if (!(sum > 0.0)) {
    rules.fail("criterion", criteria.empty() ? "rules without a [[criterion]]; add at least one with name and base"
                                             : "every weight is 0; give at least one criterion points");
  }
  for (Criterion& criterion : criteria) {
    criterion.normalised = criterion.raw() / sum;
  }
  return criteria;
}

measure::DecisionRule read_decision(const TableReader& rules) {
  constexpr NumberRange kError{0.0, 0.5, true, "a probability of error above 0, at most 0.5"};
  constexpr NumberRange kConfidence{0.0, 0.99, true, "a confidence above 0, at most 0.99"};
  constexpr NumberRange kEffect{0.0, 1.0, false, "a log effect from 0 to 1: 0.02 is 2 %"};
  constexpr std::int64_t kMostBlocks = 10000;
  measure::DecisionRule decision;
  const std::optional<TableReader> reader =
      rules.table("decision", "[decision]",
                  {"alpha", "case_alpha", "confidence", "min_gain", "case_margin", "min_blocks", "max_blocks"});
  if (!reader) return decision;
  decision.alpha = reader->number("alpha", kError).value_or(decision.alpha);
  decision.case_alpha = reader->number("case_alpha", kError).value_or(decision.case_alpha);
  decision.confidence = reader->number("confidence", kConfidence).value_or(decision.confidence);
  decision.min_gain = reader->number("min_gain", kEffect).value_or(decision.min_gain);
  decision.case_margin = reader->number("case_margin", kEffect).value_or(decision.case_margin);
  const auto blocks = [&](std::string_view key, int fallback) {
    return static_cast<int>(reader->whole(key, 1, kMostBlocks).value_or(fallback));
  };
  decision.min_blocks = blocks("min_blocks", decision.min_blocks);
  decision.max_blocks = blocks("max_blocks", decision.max_blocks);
  try {
    decision.validate();
  } catch (const Error& cause) {
    rules.fail("decision", fmt::format("[decision]: {}", cause.what()));
  }
  return decision;
}

void read_blocks(const TableReader& table, Rules& rules) {
  constexpr std::int64_t kMostBlocks = 10000;
  const std::optional<TableReader> reader =
      table.table("blocks", "[blocks]", {"short_race", "noise_floor", "confirmation"});
  if (!reader) return;
  const auto blocks = [&](std::string_view key, int fallback) {
    return static_cast<int>(reader->whole(key, 1, kMostBlocks).value_or(fallback));
  };
  rules.short_race_blocks = blocks("short_race", rules.short_race_blocks);
  rules.noise_floor_blocks = blocks("noise_floor", rules.noise_floor_blocks);
  rules.confirmation_blocks = blocks("confirmation", rules.confirmation_blocks);
}

}  // namespace

const Criterion* Rules::find(std::string_view criterion) const {
  const auto found =
      std::find_if(criteria.begin(), criteria.end(), [&](const Criterion& one) { return one.name == criterion; });
  return found == criteria.end() ? nullptr : &*found;
}

Rules parse_rules(std::string_view text, const std::string& origin) {
  const toml::table document = parse_toml(text, origin);
  const TableReader reader(document, origin, "a rules file", kRulesKeys);
  Rules rules;
  rules.source_text = text;
  rules.name = reader.name("name");
  rules.description = reader.text_or_none("description");
  rules.criteria = read_criteria(reader);
  rules.generic_discount = reader.number("generic_discount", kShare).value_or(rules.generic_discount);
  rules.require_kernel_specific = reader.flag("require_kernel_specific", rules.require_kernel_specific);
  rules.evidence_criteria = reader.distinct_texts("evidence_criteria");
  for (const std::string& name : rules.evidence_criteria) {
    if (rules.find(name) != nullptr) continue;
    reader.fail("evidence_criteria", fmt::format("evidence_criteria names \"{}\", which is no [[criterion]] of these "
                                                 "rules; add it or remove the name",
                                                 name));
  }
  rules.require_history = reader.flag("require_history", rules.require_history);
  rules.require_answers = reader.flag("require_answers", rules.require_answers);
  rules.exploration_share = reader.number("exploration_share", kShare).value_or(rules.exploration_share);
  rules.decision = read_decision(reader);
  read_blocks(reader, rules);
  return rules;
}

Rules load_rules(const std::filesystem::path& file) {
  return parse_rules(device::read_whole_file(file), file.string());
}

}  // namespace thresher::tank
