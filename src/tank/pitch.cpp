// The closed lists of a pitch, with their names, and the patch of knobs.
#include "tank/pitch.hpp"

#include <algorithm>
#include <array>

#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

template <typename Enum>
struct Named {
  Enum value;
  const char* name;
};

constexpr std::array<Named<PitchKind>, 3> kKinds{
    {{PitchKind::fresh, "new"}, {PitchKind::repitch, "repitch"}, {PitchKind::modified, "modified"}}};

constexpr std::array<Named<Category>, 11> kCategories{{{Category::pipeline_stages, "pipeline_stages"},
                                                       {Category::tile_size, "tile_size"},
                                                       {Category::tma_store_epilogue, "tma_store_epilogue"},
                                                       {Category::warp_specialization, "warp_specialization"},
                                                       {Category::cluster, "cluster"},
                                                       {Category::split_k, "split_k"},
                                                       {Category::memory_layout, "memory_layout"},
                                                       {Category::scheduler, "scheduler"},
                                                       {Category::algorithm, "algorithm"},
                                                       {Category::hardware_feature, "hardware_feature"},
                                                       {Category::other, "other"}}};

constexpr std::array<Named<Relation>, 5> kRelations{{{Relation::increases, "increases"},
                                                     {Relation::decreases, "decreases"},
                                                     {Relation::differs, "differs"},
                                                     {Relation::at_least, "at_least"},
                                                     {Relation::at_most, "at_most"}}};

constexpr std::array<Named<EvidenceKind>, 2> kEvidenceKinds{
    {{EvidenceKind::kernel_specific, "kernel_specific"}, {EvidenceKind::generic, "generic"}}};

constexpr std::array<Named<TestStepKind>, 5> kTestSteps{{{TestStepKind::config, "config"},
                                                         {TestStepKind::observable, "observable"},
                                                         {TestStepKind::correctness, "correctness"},
                                                         {TestStepKind::short_race, "short_race"},
                                                         {TestStepKind::full_race, "full_race"}}};

template <typename Enum, std::size_t kCount>
const char* name_of(const std::array<Named<Enum>, kCount>& all, Enum value) noexcept {
  for (const Named<Enum>& one : all) {
    if (one.value == value) return one.name;
  }
  return "unknown";
}

template <typename Enum, std::size_t kCount>
std::optional<Enum> value_of(const std::array<Named<Enum>, kCount>& all, std::string_view name) noexcept {
  for (const Named<Enum>& one : all) {
    if (one.name == name) return one.value;
  }
  return std::nullopt;
}

template <typename Enum, std::size_t kCount>
std::string names_of(const std::array<Named<Enum>, kCount>& all) {
  std::string names;
  for (const Named<Enum>& one : all) {
    names.append(names.empty() ? "" : ", ").append(one.name);
  }
  return names;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

// "a=1,b=2" as pairs; what is not of that form was refused before.
std::vector<std::pair<std::string, std::string>> split_fields(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!trimmed(text).empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::size_t equals = item.find('=');
    fields.emplace_back(trimmed(item.substr(0, equals)), trimmed(item.substr(equals + 1)));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return fields;
}

std::string join_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    text.append(text.empty() ? "" : ",").append(name).append("=").append(value);
  }
  return text;
}

}  // namespace

const char* to_string(PitchKind kind) noexcept {
  return name_of(kKinds, kind);
}
const char* to_string(Category category) noexcept {
  return name_of(kCategories, category);
}
const char* to_string(Relation relation) noexcept {
  return name_of(kRelations, relation);
}
const char* to_string(EvidenceKind kind) noexcept {
  return name_of(kEvidenceKinds, kind);
}
const char* to_string(TestStepKind kind) noexcept {
  return name_of(kTestSteps, kind);
}
std::optional<PitchKind> parse_pitch_kind(std::string_view text) noexcept {
  return value_of(kKinds, text);
}
std::optional<Category> parse_category(std::string_view text) noexcept {
  return value_of(kCategories, text);
}
std::optional<Relation> parse_relation(std::string_view text) noexcept {
  return value_of(kRelations, text);
}
std::optional<EvidenceKind> parse_evidence_kind(std::string_view text) noexcept {
  return value_of(kEvidenceKinds, text);
}
std::optional<TestStepKind> parse_test_step(std::string_view text) noexcept {
  return value_of(kTestSteps, text);
}
std::string category_names() {
  return names_of(kCategories);
}

ConfigPatch ConfigPatch::from_text(std::string_view text) {
  // Parsed for its errors alone: they name the field or the value and list those there are.
  (void)cpu_config_from_text(text);
  ConfigPatch patch{.fields = split_fields(text)};
  if (patch.fields.empty()) {
    throw Error(ErrorCode::parse, "a patch without a field changes nothing; give field=value, such as block_m=64");
  }
  return patch;
}

CpuConfig ConfigPatch::apply(const CpuConfig& base) const {
  (void)cpu_config_from_text(to_text());  // for its errors: the merged text below must not hide a field given twice
  std::vector<std::pair<std::string, std::string>> merged = split_fields(thresher::to_text(base));
  for (const auto& [name, value] : fields) {
    const auto field = std::find_if(merged.begin(), merged.end(), [&](const auto& one) { return one.first == name; });
    field->second = value;  // there, or the parser above had objected
  }
  return cpu_config_from_text(join_fields(merged));
}

std::string ConfigPatch::to_text() const {
  return join_fields(fields);
}

}  // namespace thresher::tank
