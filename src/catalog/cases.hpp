// Named problems from cases/*.toml, with where their targets come from. docs/cases.md describes the files.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/environment.hpp"
#include "thresher/problem.hpp"

namespace thresher::catalog {

struct Case {
  std::string name;
  std::string description;
  Problem problem;                         // problem.op is the op that the target is for; a case runs with either
  std::optional<double> target_us;         // published, for problem.op on the device that target_source names
  std::string target_source;               // not empty exactly when there is a target
  std::optional<double> seed_baseline_us;  // the kernel of the seed round, where it was measured

  /// The same case with the other op: a target is for one op only and does not carry over.
  [[nodiscard]] Case with_op(Op op) const;
};

/// The cases of every *.toml in `folder`, sorted by name. Throws Error(io | parse | invalid_argument) naming the file,
/// and the line, key and value where there are such.
std::vector<Case> load_cases(const std::filesystem::path& folder);

/// The cases of one text; `origin` is what errors call it.
std::vector<Case> parse_cases(std::string_view text, const std::string& origin);

/// Throws Error(invalid_argument) listing the nearest names when there is no such case.
const Case& find_case(std::span<const Case> cases, std::string_view name);

/// Cases and the place they were read from, for people.
struct Catalog {
  std::vector<Case> cases;
  std::string source;
};

/// The first of: `folder`, THRESHER_CASES, ./cases when it holds *.toml files, the copy inside this program.
/// NOTE: the built-in copy is what lets a lone executable run on a machine without the source tree.
Catalog open_catalog(const std::optional<std::filesystem::path>& folder, const device::Environment& environment);

}  // namespace thresher::catalog
