// Reads round.toml. docs/tank.md says what each key means.
#include "tank/round_definition.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cpu/grouped_gemm.hpp"
#include "device/files.hpp"
#include "tank/pitch_reader.hpp"
#include "tank/toml_reader.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

namespace fs = std::filesystem;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr NumberRange kSeconds{0.0, 1e7, true, "a number of seconds above 0"};
constexpr NumberRange kMicroseconds{0.0, kInfinity, true, "a time above 0, in microseconds"};

const std::vector<std::string_view> kRoundKeys = {
    "title",         "intro",     "rules", "device", "op",    "cases",      "history", "baseline",
    "baseline_note", "champions", "seed",  "budget", "shark", "contestant", "needs",   "recorded"};
const std::vector<std::string_view> kRecordedKeys = {"source", "what_happened", "verdict",      "stopped_at",
                                                     "reason", "reasons",       "observations", "contestants",
                                                     "state",  "pitch",         "result",       "lesson"};
const std::vector<std::string_view> kLessonKeys = {"id",    "category", "predicted", "mechanisms",       "text",
                                                   "retry", "binding",  "scope",     "retry_observables"};

fs::path inside(const fs::path& folder, const std::string& path) {
  return (folder / path).lexically_normal();
}

CpuConfig read_baseline(const TableReader& round) {
  const std::string text = round.text("baseline");
  CpuConfig config;
  try {
    config = cpu_config_from_text(text);
  } catch (const Error& cause) {
    round.fail("baseline", fmt::format("baseline = \"{}\": {}", text, cause.what()));
  }
  if (const auto why = cpu::why_invalid(config, OutputType::fp16)) {
    round.fail("baseline", fmt::format("baseline = \"{}\": {}", text, *why));
  }
  return config;
}

Budget read_budget(const TableReader& round) {
  constexpr std::int64_t kMostFunded = 1000;
  Budget budget;
  if (const auto reader = round.table("budget", "[budget]", {"seconds", "funded"})) {
    budget.seconds = reader->number("seconds", kSeconds).value_or(budget.seconds);
    budget.funded = static_cast<int>(reader->whole("funded", 1, kMostFunded).value_or(budget.funded));
  }
  return budget;
}

// [[shark]] and [[contestant]] tables.
std::vector<ExternalProgram> read_programs(const TableReader& round, const std::string& key) {
  std::vector<ExternalProgram> programs;
  for (const TableReader& one : round.tables(key, fmt::format("a [[{}]]", key), {"name", "command", "seconds"})) {
    ExternalProgram program{.name = one.name("name"), .command = one.texts("command")};
    if (program.command.empty()) {
      one.fail("command", fmt::format("a [[{}]] without a command; give command = [\"./{}.py\"]", key, key));
    }
    program.seconds = one.number("seconds", kSeconds).value_or(program.seconds);
    if (std::any_of(programs.begin(), programs.end(),
                    [&](const ExternalProgram& other) { return other.name == program.name; })) {
      one.fail("name", fmt::format("a second [[{}]] \"{}\"; rename one", key, program.name));
    }
    programs.push_back(std::move(program));
  }
  return programs;
}

// ---- recorded rounds ------------------------------------------------------------------------------------------------

// The knob is one of the recorded kernel's, so it is kept as text and not held against ours.
ConfigPatch read_foreign_change(const TableReader& pitch) {
  const std::string text = pitch.text("change");
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    pitch.fail("change", fmt::format("{} is not knob=value", pitch.shown("change")));
  }
  return {.fields = {{text.substr(0, equals), text.substr(equals + 1)}}};
}

Pitch read_recorded_pitch(const TableReader& recorded) {
  const auto reader = recorded.table("pitch", "[recorded.pitch]",
                                     {"id", "contestant", "category", "title", "summary", "mechanism", "change"});
  if (!reader) recorded.fail("pitch", "[recorded] without [recorded.pitch]; say what was changed");
  Pitch pitch;
  pitch.id = reader->name("id");
  pitch.contestant = reader->text("contestant");
  pitch.category = reader->choice<Category>("category", parse_category, category_names());
  pitch.title = reader->text("title");
  pitch.summary = reader->text_or_none("summary");
  pitch.mechanism = reader->text_or_none("mechanism");
  pitch.change.patch = read_foreign_change(*reader);
  return pitch;
}

void read_results(const TableReader& recorded, const RoundDefinition& round, RecordedRound& record) {
  double log_sum = 0.0;
  for (const TableReader& one :
       recorded.tables("result", "a [[recorded.result]]", {"case", "before_us", "after_us", "printed"})) {
    const std::string name = one.name("case");
    if (std::find(round.cases.begin(), round.cases.end(), name) == round.cases.end()) {
      one.fail("case", fmt::format("{} is not in the round; its cases are {}", one.shown("case"),
                                   fmt::join(round.cases, ", ")));
    }
    const double before = one.required_number("before_us", kMicroseconds) * 1e-6;
    const double after = one.required_number("after_us", kMicroseconds) * 1e-6;
    CaseResult result;
    result.case_name = name;
    result.before_seconds = before;
    result.after_seconds = after;
    result.speed_up = before / after;
    record.outcome.cases.push_back(std::move(result));
    record.printed.push_back(one.text_or_none("printed"));
    log_sum += std::log(before / after);
  }
  if (record.outcome.cases.empty()) {
    recorded.fail("result", "[recorded] without a [[recorded.result]]; give case, before_us and after_us");
  }
  record.outcome.speed_up = std::exp(log_sum / static_cast<double>(record.outcome.cases.size()));
}

LessonScope read_scope(const TableReader& lesson) {
  LessonScope scope;
  if (const auto reader = lesson.table("scope", "the scope of a lesson", {"device", "op", "cases", "regime"})) {
    if (reader->has("device")) scope.device = reader->name("device");
    if (reader->has("op")) scope.op = reader->name("op");
    if (scope.op != "any" && !parse_op(scope.op)) {
      reader->fail("op", fmt::format("{} is not one of: any, plain, gated", reader->shown("op")));
    }
    scope.cases = reader->distinct_texts("cases");
    scope.regime = reader->text_or_none("regime");
  }
  return scope;
}

Lesson read_lesson(const TableReader& one, const RoundDefinition& round, const RecordedRound& record) {
  Lesson lesson;
  lesson.id = round.name + "/" + one.name("id");
  lesson.round = round.name;
  lesson.pitch = record.pitch.id;
  if (one.text("category") != "any") {
    lesson.category = one.choice<Category>("category", parse_category, "any, " + category_names());
  }
  lesson.change = record.pitch.change.patch.to_text();
  lesson.verdict = record.outcome.verdict;
  lesson.scope = read_scope(one);
  lesson.predicted = one.text_or_none("predicted");
  lesson.measured = measured_text(record.outcome);
  lesson.mechanisms = one.has("mechanisms") ? one.texts("mechanisms") : record.reasons;
  lesson.text = one.text("text");
  lesson.retry = one.text("retry");
  lesson.retry_observables = one.distinct_texts("retry_observables");
  for (const std::string& name : lesson.retry_observables) {
    require_observable(one, "retry_observables", name);
  }
  lesson.binding = one.flag("binding", lesson.verdict != Verdict::win);
  lesson.recorded = true;
  lesson.source = record.source;
  return lesson;
}

std::optional<RecordedRound> read_recorded(const TableReader& table, const RoundDefinition& round) {
  const std::optional<TableReader> reader = table.table("recorded", "[recorded]", kRecordedKeys);
  if (!reader) return std::nullopt;
  RecordedRound record;
  record.source = reader->text("source");
  record.what_happened = reader->text("what_happened");
  record.pitch = read_recorded_pitch(*reader);
  record.outcome.pitch = record.pitch.id;
  record.outcome.verdict =
      reader->choice<Verdict>("verdict", parse_verdict, "WIN, LOSS, SAME, AMBIGUOUS, INVALID, IMPOSSIBLE, ERROR");
  record.outcome.stopped_at = reader->text("stopped_at");
  record.outcome.reason = reader->text("reason");
  read_results(*reader, round, record);
  record.reasons = reader->texts("reasons");
  record.observations = reader->texts("observations");
  record.contestants = reader->texts("contestants");
  record.state = reader->text_or_none("state");
  for (const TableReader& one : reader->tables("lesson", "a [[recorded.lesson]]", kLessonKeys)) {
    Lesson lesson = read_lesson(one, round, record);
    if (std::any_of(record.lessons.begin(), record.lessons.end(),
                    [&](const Lesson& other) { return other.id == lesson.id; })) {
      one.fail("id", fmt::format("a second lesson \"{}\"; rename one", lesson.id));
    }
    record.lessons.push_back(std::move(lesson));
  }
  return record;
}

// ---- the round ------------------------------------------------------------------------------------------------------

void read_cases(const TableReader& reader, RoundDefinition& round) {
  round.cases = reader.distinct_texts("cases");
  if (round.cases.empty()) {
    reader.fail("cases", "a round without cases; give cases = [\"g8-k7168\", ...], 'thresher bench --help' says which");
  }
  for (const std::string& name : round.cases) {
    if (is_plain_name(name)) continue;
    reader.fail("cases",
                fmt::format("cases names \"{}\"; a case is called by letters, digits, '-', '_' and '.'", name));
  }
}

}  // namespace

PitchContext pitch_context(const RoundDefinition& round, const Rules& rules) {
  PitchContext context{.cases = round.cases, .criteria = {}};
  for (const Criterion& one : rules.criteria) {
    context.criteria.push_back(one.name);
  }
  return context;
}

RoundDefinition load_round(const fs::path& folder) {
  const fs::path file = folder / "round.toml";
  RoundDefinition round;
  round.source_text = device::read_whole_file(file);
  round.folder = folder;
  // "rounds/02-lessons/" and "." have names too.
  round.name = fs::weakly_canonical(folder).filename().string();
  if (!is_plain_name(round.name)) {
    throw Error(ErrorCode::parse, fmt::format("{}: the round is called \"{}\"; name its folder with letters, digits, "
                                              "'-', '_' and '.' only",
                                              folder.string(), round.name));
  }
  const toml::table document = parse_toml(round.source_text, file.string());
  const TableReader reader(document, file.string(), "a round", kRoundKeys);
  round.title = reader.text("title");
  round.intro = reader.text_or_none("intro");
  round.rules_file = inside(folder, reader.text("rules"));
  if (reader.has("device")) round.device = reader.name("device");
  if (reader.has("op")) round.op = reader.choice<Op>("op", parse_op, "plain, gated");
  read_cases(reader, round);
  for (const std::string& path : reader.distinct_texts("history")) {
    round.history.push_back(inside(folder, path));
  }
  // NOTE: the kernel of a recorded round may be another one, with other knobs: its state is text, not a baseline.
  if (!reader.has("recorded") || reader.has("baseline")) round.baseline = read_baseline(reader);
  round.baseline_note = reader.text_or_none("baseline_note");
  if (reader.has("champions")) round.champions = inside(folder, reader.text("champions"));
  round.budget = read_budget(reader);
  round.seed =
      static_cast<std::uint64_t>(reader.whole("seed", 0, std::numeric_limits<std::int64_t>::max()).value_or(0));
  round.sharks = read_programs(reader, "shark");
  round.contestants = read_programs(reader, "contestant");
  round.needs = reader.texts("needs");
  round.recorded = read_recorded(reader, round);
  return round;
}

}  // namespace thresher::tank
