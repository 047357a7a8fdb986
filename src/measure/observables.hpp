// Named facts about a candidate on a case: what was compiled, and what was counted while it ran.
//
// Pitches, lessons and sharks refer to facts by these names, so a name is written here once and never reused.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thresher::measure {

enum class EvidenceSource {
  compiled,  ///< follows from the problem and the resolved config, without a run
  measured,  ///< counted or timed while it ran
};

const char* to_string(EvidenceSource source) noexcept;

struct ObservableInfo {
  std::string_view name;
  EvidenceSource source = EvidenceSource::compiled;
  std::string_view unit;
  std::string_view meaning;
};

/// Every name there is, in the order in which reports show them.
std::span<const ObservableInfo> observable_catalogue();

/// Nothing for a name that does not exist.
const ObservableInfo* find_observable(std::string_view name);

struct Observable {
  std::string name;  // of the catalogue
  double value = 0.0;

  bool operator==(const Observable&) const = default;
};

/// The facts of one candidate on one case.
struct CaseObservables {
  std::string case_name;
  std::string config;  // as resolved, or the library's name
  std::vector<Observable> values;

  [[nodiscard]] std::optional<double> find(std::string_view name) const;
};

}  // namespace thresher::measure
