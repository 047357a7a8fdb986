// Reads pitches/*.toml. docs/tank.md says what each key means.
#include "tank/pitch_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <system_error>

#include "device/files.hpp"
#include "measure/observables.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

namespace fs = std::filesystem;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::vector<std::string_view> kPitchKeys = {
    "contestant",           "kind",   "earlier",    "category", "title", "summary", "mechanism",
    "mechanism_observable", "change", "prediction", "evidence", "risk",  "test",    "answer"};

void require_known(const TableReader& reader, std::string_view key, const std::string& value,
                   const std::vector<std::string>& known, std::string_view of_what) {
  if (known.empty() || std::find(known.begin(), known.end(), value) != known.end()) return;
  reader.fail(key, fmt::format("{} = \"{}\" is not {}; give one of: {}", key, value, of_what, fmt::join(known, ", ")));
}

Change read_change(const TableReader& pitch, const fs::path& folder) {
  const std::optional<TableReader> reader = pitch.table("change", "[change]", {"config", "library"});
  if (!reader)
    pitch.fail("change", "a pitch without [change]; add it with config = \"field=value\" or library = \"x.so\"");
  if (reader->has("config") == reader->has("library")) {
    reader->fail("config",
                 "[change] needs config or library, exactly one of them: config = \"field=value,...\" or "
                 "library = \"x.so\"");
  }
  Change change;
  if (reader->has("config")) {
    const std::string text = reader->text("config");
    try {
      change.patch = ConfigPatch::from_text(text);
    } catch (const Error& cause) {
      reader->fail("config", fmt::format("config = \"{}\": {}", text, cause.what()));
    }
    return change;
  }
  const fs::path library = reader->text("library");
  if (library.extension() != ".so") {
    reader->fail("library", fmt::format("{} does not end in .so; build the code as a shared library that exports the "
                                        "functions of thresher/candidate.h",
                                        reader->shown("library")));
  }
  change.library = (folder / library).lexically_normal();
  return change;
}

std::vector<Prediction> read_predictions(const TableReader& pitch, const PitchContext& context) {
  constexpr NumberRange kSpeedUp{0.0, kInfinity, true, "a speed-up above 0: time before / time after, 1 is no change"};
  std::vector<Prediction> predictions;
  for (const TableReader& one : pitch.tables("prediction", "a [[prediction]]", {"case", "low", "high"})) {
    Prediction prediction{.case_name = one.name("case"),
                          .low = one.required_number("low", kSpeedUp),
                          .high = one.required_number("high", kSpeedUp)};
    require_known(one, "case", prediction.case_name, context.cases, "a case of this round");
    if (prediction.low > prediction.high) {
      one.fail("low", fmt::format("{} is above {}; swap them", one.shown("low"), one.shown("high")));
    }
    if (std::any_of(predictions.begin(), predictions.end(),
                    [&](const Prediction& other) { return other.case_name == prediction.case_name; })) {
      one.fail("case", fmt::format("a second prediction for case \"{}\"; remove one", prediction.case_name));
    }
    predictions.push_back(std::move(prediction));
  }
  if (predictions.empty()) {
    pitch.fail("prediction", "a pitch without a [[prediction]]; add one for each case, with case, low and high");
  }
  for (const std::string& name : context.cases) {
    if (std::none_of(predictions.begin(), predictions.end(),
                     [&](const Prediction& one) { return one.case_name == name; })) {
      pitch.fail("prediction",
                 fmt::format("no [[prediction]] for case \"{}\"; a pitch predicts every case of its round", name));
    }
  }
  return predictions;
}

std::vector<EvidenceItem> read_evidence(const TableReader& pitch, const PitchContext& context) {
  std::vector<EvidenceItem> items;
  for (const TableReader& one : pitch.tables("evidence", "an [[evidence]]", {"kind", "criterion", "text", "claim"})) {
    EvidenceItem item{.kind = one.choice<EvidenceKind>("kind", parse_evidence_kind, "kernel_specific, generic"),
                      .text = one.text("text"),
                      .criterion = one.name("criterion"),
                      .claim = read_claim(one, "claim", context)};
    require_known(one, "criterion", item.criterion, context.criteria, "a criterion of this round's rules");
    if (item.kind == EvidenceKind::kernel_specific && !item.claim) {
      one.fail("kind",
               "kind = \"kernel_specific\" without a claim that can be looked up; add claim = { observable = "
               "..., relation = ... } or say kind = \"generic\"");
    }
    if (item.kind == EvidenceKind::generic && item.claim) {
      one.fail("claim",
               "a generic item makes no claim about this kernel; remove the claim or say kind = "
               "\"kernel_specific\"");
    }
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<Risk> read_risks(const TableReader& pitch) {
  std::vector<Risk> risks;
  for (const TableReader& one : pitch.tables("risk", "a [[risk]]", {"text", "mitigation"})) {
    risks.push_back({.text = one.text("text"), .mitigation = one.text_or_none("mitigation")});
  }
  return risks;
}

std::vector<TestStep> read_test_plan(const TableReader& pitch, const PitchContext& context) {
  std::vector<TestStep> plan;
  for (const TableReader& one : pitch.tables("test", "a [[test]]", {"step", "cases", "claim"})) {
    TestStep step{.kind = one.choice<TestStepKind>("step", parse_test_step,
                                                   "config, observable, correctness, short_race, full_race"),
                  .cases = one.distinct_texts("cases"),
                  .claim = read_claim(one, "claim", context)};
    for (const std::string& name : step.cases) {
      require_known(one, "cases", name, context.cases, "a case of this round");
    }
    if (!step.cases.empty() && step.kind != TestStepKind::short_race) {
      one.fail("cases", fmt::format("cases belong to step = \"short_race\" alone, not to \"{}\"; remove them",
                                    to_string(step.kind)));
    }
    if (step.claim.has_value() != (step.kind == TestStepKind::observable)) {
      one.fail(step.claim ? "claim" : "step",
               "a claim belongs to step = \"observable\", which needs one; add or remove "
               "claim = { observable = ..., relation = ... }");
    }
    if (step.kind != TestStepKind::observable &&
        std::any_of(plan.begin(), plan.end(), [&](const TestStep& other) { return other.kind == step.kind; })) {
      one.fail("step", fmt::format("a second step \"{}\"; each runs once, remove one", to_string(step.kind)));
    }
    plan.push_back(std::move(step));
  }
  return plan;
}

std::vector<Answer> read_answers(const TableReader& pitch, const PitchContext& context) {
  std::vector<Answer> answers;
  for (const TableReader& one : pitch.tables("answer", "an [[answer]]", {"lesson", "text", "claim"})) {
    Answer answer{.lesson = one.text("lesson"), .text = one.text("text"), .claim = read_claim(one, "claim", context)};
    if (std::any_of(answers.begin(), answers.end(),
                    [&](const Answer& other) { return other.lesson == answer.lesson; })) {
      one.fail("lesson", fmt::format("a second answer to \"{}\"; remove one", answer.lesson));
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

// "round/pitch", which only a pitch with a past has.
void read_past(const TableReader& reader, Pitch& pitch) {
  pitch.kind = reader.choice<PitchKind>("kind", parse_pitch_kind, "new, repitch, modified");
  pitch.earlier = reader.text_or_none("earlier");
  if (pitch.kind == PitchKind::fresh) {
    if (!pitch.earlier.empty()) {
      reader.fail("earlier", fmt::format("{} but kind = \"new\"; remove it, or say kind = \"repitch\" or \"modified\"",
                                         reader.shown("earlier")));
    }
    return;
  }
  const std::size_t slash = pitch.earlier.find('/');
  if (slash == std::string::npos || !is_plain_name(pitch.earlier.substr(0, slash)) ||
      !is_plain_name(pitch.earlier.substr(slash + 1))) {
    reader.fail(reader.has("earlier") ? "earlier" : "kind",
                fmt::format("kind = \"{}\" must name the earlier pitch: earlier = \"round/pitch\", not \"{}\"",
                            to_string(pitch.kind), pitch.earlier));
  }
}

}  // namespace

void require_observable(const TableReader& reader, std::string_view key, std::string_view name) {
  if (measure::find_observable(name) != nullptr) return;
  std::vector<std::string_view> names;
  for (const measure::ObservableInfo& info : measure::observable_catalogue()) {
    names.push_back(info.name);
  }
  reader.fail(key, fmt::format("{} names no observable \"{}\"; there are {}", key, name, listed(names)));
}

std::optional<ObservableClaim> read_claim(const TableReader& reader, std::string_view key,
                                          const PitchContext& context) {
  const std::optional<TableReader> one =
      reader.table(key, fmt::format("the {} of a fact", key), {"observable", "relation", "value", "case"});
  if (!one) return std::nullopt;
  constexpr NumberRange kAnyNumber{-kInfinity, kInfinity, false, "a finite number"};
  ObservableClaim claim{
      .observable = one->name("observable"),
      .relation = one->choice<Relation>("relation", parse_relation, "increases, decreases, differs, at_least, at_most"),
      .value = one->number("value", kAnyNumber),
      .case_name = std::nullopt};
  require_observable(*one, "observable", claim.observable);
  const bool needs_value = claim.relation == Relation::at_least || claim.relation == Relation::at_most;
  if (needs_value != claim.value.has_value()) {
    one->fail(needs_value ? "relation" : "value",
              fmt::format("relation = \"{}\" {}", to_string(claim.relation),
                          needs_value ? "needs a value to compare with; add value = ..."
                                      : "compares with the baseline and takes no value; remove it"));
  }
  if (one->has("case")) {
    claim.case_name = one->name("case");
    require_known(*one, "case", *claim.case_name, context.cases, "a case of this round");
  }
  return claim;
}

Pitch parse_pitch(std::string_view text, const std::string& id, const fs::path& folder, const std::string& origin,
                  const PitchContext& context) {
  if (!is_plain_name(id)) {
    throw Error(ErrorCode::parse,
                fmt::format("{}: the pitch is called \"{}\"; name the file with letters, digits, '-', "
                            "'_' and '.' only",
                            origin, id));
  }
  const toml::table document = parse_toml(text, origin);
  const TableReader reader(document, origin, "a pitch", kPitchKeys);
  Pitch pitch;
  pitch.id = id;
  pitch.contestant = reader.text("contestant");
  read_past(reader, pitch);
  pitch.category = reader.choice<Category>("category", parse_category, category_names());
  pitch.title = reader.text("title");
  pitch.summary = reader.text("summary");
  pitch.mechanism = reader.text("mechanism");
  pitch.mechanism_observable = read_claim(reader, "mechanism_observable", context);
  pitch.change = read_change(reader, folder);
  pitch.predictions = read_predictions(reader, context);
  pitch.evidence = read_evidence(reader, context);
  pitch.risks = read_risks(reader);
  pitch.test_plan = read_test_plan(reader, context);
  pitch.answers = read_answers(reader, context);
  pitch.source_text = text;
  return pitch;
}

Pitch load_pitch(const fs::path& file, const PitchContext& context) {
  return parse_pitch(device::read_whole_file(file), file.stem().string(), file.parent_path(), file.string(), context);
}

std::vector<Pitch> load_pitches(const fs::path& folder, const PitchContext& context) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (entries->path().extension() == ".toml") files.push_back(entries->path());
  }
  if (error || files.empty()) {
    throw Error(ErrorCode::io,
                fmt::format("the folder of pitches '{}' {}; put a *.toml there for each pitch", folder.string(),
                            error ? "can't be read: " + error.message() : "holds no pitch"));
  }
  std::sort(files.begin(), files.end());
  std::vector<Pitch> pitches;
  for (const fs::path& file : files) {
    pitches.push_back(load_pitch(file, context));
  }
  return pitches;
}

}  // namespace thresher::tank
