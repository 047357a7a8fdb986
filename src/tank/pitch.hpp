// A pitch: what a contestant wants to change, what it promises, and why that should hold for this kernel.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "thresher/config.hpp"

namespace thresher::tank {

enum class PitchKind {
  fresh,     ///< "new": an idea that no earlier round measured
  repitch,   ///< the same idea again, with what changed
  modified,  ///< an earlier pitch, altered
};

/// The first four are the seed's.
enum class Category {
  pipeline_stages,
  tile_size,
  tma_store_epilogue,
  warp_specialization,
  cluster,
  split_k,
  memory_layout,
  scheduler,
  algorithm,
  hardware_feature,
  other,
};

const char* to_string(PitchKind kind) noexcept;
const char* to_string(Category category) noexcept;
std::optional<PitchKind> parse_pitch_kind(std::string_view text) noexcept;
std::optional<Category> parse_category(std::string_view text) noexcept;

/// The names of all categories, for messages and documents.
std::string category_names();

/// "dequant_stages=3" as a patch: only the named fields change.
struct ConfigPatch {
  std::vector<std::pair<std::string, std::string>> fields;  // in the order written

  /// The config with the patch applied. Throws Error(parse) for an unknown knob or a bad value, listing those there
  /// are.
  [[nodiscard]] CpuConfig apply(const CpuConfig& base) const;
  [[nodiscard]] std::string to_text() const;

  /// Throws Error(parse) for text that is not field=value,... or whose fields or values can't be applied.
  static ConfigPatch from_text(std::string_view text);
};

/// What would be changed: a patch of knobs, or a library that replaces the kernel.
struct Change {
  ConfigPatch patch;                             // empty when there is a library
  std::optional<std::filesystem::path> library;  // resolved against the pitch's folder
};

/// Speed-up = time before / time after; 1 is no change. Sealed before anything is measured.
struct Prediction {
  std::string case_name;
  double low = 1.0;   // the contestant is 80 % sure that the speed-up is at least this ...
  double high = 1.0;  // ... and at most this
};

/// How an observable of the candidate must stand to the baseline's, or to a value.
enum class Relation { increases, decreases, differs, at_least, at_most };

const char* to_string(Relation relation) noexcept;
std::optional<Relation> parse_relation(std::string_view text) noexcept;

/// "panels_ahead increases on g8-k7168": a claim that the arbiter can look up.
struct ObservableClaim {
  std::string observable;  // of measure::observable_catalogue()
  Relation relation = Relation::differs;
  std::optional<double> value;           // at_least and at_most only
  std::optional<std::string> case_name;  // empty: on every case of the round
};

enum class EvidenceKind {
  kernel_specific,  ///< compiled or measured on this kernel: holds a claim that can be looked up
  generic,          ///< literature, other kernels, "industry standard"
};

const char* to_string(EvidenceKind kind) noexcept;
std::optional<EvidenceKind> parse_evidence_kind(std::string_view text) noexcept;

struct EvidenceItem {
  EvidenceKind kind = EvidenceKind::generic;
  std::string text;
  std::string criterion;                 // which criterion of the rules it supports
  std::optional<ObservableClaim> claim;  // kernel_specific only
};

struct Risk {
  std::string text;
  std::string mitigation;
};

/// A step of the pitch's own test plan; steps run cheapest first and stop at the first failure.
enum class TestStepKind {
  config,       ///< the change is admissible on every case; nothing runs
  observable,   ///< a claim holds on one counted call
  correctness,  ///< held-out shapes against the reference
  short_race,   ///< a few blocks on some cases; stops unless it may still win
  full_race,    ///< every case
};

const char* to_string(TestStepKind kind) noexcept;
std::optional<TestStepKind> parse_test_step(std::string_view text) noexcept;

struct TestStep {
  TestStepKind kind = TestStepKind::config;
  std::vector<std::string> cases;        // short_race; empty: the cheapest
  std::optional<ObservableClaim> claim;  // observable only
};

/// Why an earlier lesson does not bind this pitch: the precondition that changed, as a claim that can be looked up.
struct Answer {
  std::string lesson;  // id
  std::string text;
  std::optional<ObservableClaim> claim;
};

struct Pitch {
  std::string id;  // file name without .toml
  std::string contestant;
  PitchKind kind = PitchKind::fresh;
  std::string earlier;  // "round/pitch" that a repitch or modified pitch names, else empty
  Category category = Category::other;
  std::string title;
  std::string summary;
  std::string mechanism;                                // why it should be faster
  std::optional<ObservableClaim> mechanism_observable;  // what would show that mechanism
  Change change;
  std::vector<Prediction> predictions;
  std::vector<EvidenceItem> evidence;
  std::vector<Risk> risks;
  std::vector<TestStep> test_plan;
  std::vector<Answer> answers;
  std::string source_text;  // the file, for the ledger and the seal
};

/// What a pitch may refer to. Where a list is empty, that kind of reference is not checked.
struct PitchContext {
  std::vector<std::string> cases;     // of the round; a pitch then predicts every one of them
  std::vector<std::string> criteria;  // of the rules
};

/// Throws Error(io | parse) naming the file, the line, the key and the value. Unknown keys are errors.
Pitch load_pitch(const std::filesystem::path& file, const PitchContext& context = {});
Pitch parse_pitch(std::string_view text, const std::string& id, const std::filesystem::path& folder,
                  const std::string& origin, const PitchContext& context = {});

/// Every *.toml of a folder, by name. Throws Error(io) when there is no such folder, or none in it.
std::vector<Pitch> load_pitches(const std::filesystem::path& folder, const PitchContext& context = {});

}  // namespace thresher::tank
