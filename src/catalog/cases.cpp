// Reads folders of cases, finds cases by name, and knows where cases come from when nobody says.
#include "catalog/cases.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "catalog/builtin_cases.hpp"
#include "catalog/case_reader.hpp"
#include "device/files.hpp"
#include "thresher/error.hpp"

namespace thresher::catalog {
namespace {

namespace fs = std::filesystem;

struct Placed {
  Case value;
  std::string place;  // "file:line: "
};

std::vector<Placed> parse_placed(std::string_view text, const std::string& origin) {
  toml::table document;
  try {
    document = toml::parse(text, origin);
  } catch (const toml::parse_error& cause) {
    throw Error(ErrorCode::parse, fmt::format("{}:{}:{}: not TOML: {}", origin, cause.source().begin.line,
                                              cause.source().begin.column, cause.description()));
  }
  for (const auto& [key, node] : document) {
    if (key.str() == "case") continue;
    throw Error(ErrorCode::parse, place(origin, node) + fmt::format("unknown key '{}'; a cases file holds [[case]] "
                                                                    "tables and nothing else",
                                                                    key.str()));
  }
  const toml::node* node = document.get("case");
  const toml::array* tables = node == nullptr ? nullptr : node->as_array();
  if (tables == nullptr || tables->empty()) {
    throw Error(ErrorCode::parse, fmt::format("{}: no case; start each with the line [[case]]", origin));
  }
  std::vector<Placed> cases;
  for (const toml::node& element : *tables) {
    const toml::table* table = element.as_table();
    if (table == nullptr) {
      throw Error(ErrorCode::parse, place(origin, element) + "a case is not a table; start each with [[case]]");
    }
    cases.push_back({read_case(*table, origin), place(origin, *table)});
  }
  return cases;
}

// Sorted by name; two cases of one name would make every "--case NAME" ambiguous.
std::vector<Case> unique_sorted(std::vector<Placed> placed) {
  std::stable_sort(placed.begin(), placed.end(),
                   [](const Placed& a, const Placed& b) { return a.value.name < b.value.name; });
  const auto same = std::adjacent_find(placed.begin(), placed.end(),
                                       [](const Placed& a, const Placed& b) { return a.value.name == b.value.name; });
  if (same != placed.end()) {
    throw Error(ErrorCode::invalid_argument, fmt::format("{}name = \"{}\" is taken already by {}rename one of them",
                                                         std::next(same)->place, same->value.name, same->place));
  }
  std::vector<Case> cases;
  for (Placed& one : placed) {
    cases.push_back(std::move(one.value));
  }
  return cases;
}

std::vector<fs::path> toml_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (entries->path().extension() == ".toml") files.push_back(entries->path());
  }
  if (error) {
    throw Error(ErrorCode::io, fmt::format("cannot read the cases folder '{}': {}", folder.string(), error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Case> builtin_cases() {
  std::vector<Placed> placed;
  for (const BuiltinFile& file : builtin_case_files()) {
    std::vector<Placed> more = parse_placed(file.text, fmt::format("built-in {}", file.name));
    std::move(more.begin(), more.end(), std::back_inserter(placed));
  }
  return unique_sorted(std::move(placed));
}

// Levenshtein distance.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

Case Case::with_op(Op op) const {
  Case result = *this;
  if (op == problem.op) return result;
  result.problem.op = op;
  result.target_us.reset();
  result.target_source.clear();
  result.seed_baseline_us.reset();
  return result;
}

std::vector<Case> parse_cases(std::string_view text, const std::string& origin) {
  return unique_sorted(parse_placed(text, origin));
}

std::vector<Case> load_cases(const fs::path& folder) {
  const std::vector<fs::path> files = toml_files(folder);
  if (files.empty()) {
    throw Error(ErrorCode::io,
                fmt::format("the cases folder '{}' holds no *.toml file; name another one", folder.string()));
  }
  std::vector<Placed> placed;
  for (const fs::path& file : files) {
    std::vector<Placed> more = parse_placed(device::read_whole_file(file), file.string());
    std::move(more.begin(), more.end(), std::back_inserter(placed));
  }
  return unique_sorted(std::move(placed));
}

const Case& find_case(std::span<const Case> cases, std::string_view name) {
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const Case& one : cases) {
    if (one.name == name) return one;
    near.emplace_back(edits(one.name, name), one.name);
  }
  std::sort(near.begin(), near.end());
  constexpr std::size_t kShown = 3;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < std::min(kShown, near.size()); ++i) {
    names.push_back(near[i].second);
  }
  throw Error(ErrorCode::invalid_argument, fmt::format("there is no case '{}'; the nearest of {} are: {}", name,
                                                       cases.size(), fmt::join(names, ", ")));
}

Catalog open_catalog(const std::optional<fs::path>& folder, const device::Environment& environment) {
  if (folder) return {load_cases(*folder), folder->string()};
  if (environment.cases) return {load_cases(*environment.cases), *environment.cases + " (THRESHER_CASES)"};
  const fs::path beside = "cases";
  std::error_code ignored;
  if (fs::is_directory(beside, ignored) && !toml_files(beside).empty()) return {load_cases(beside), "./cases"};
  return {builtin_cases(), "built in"};
}

}  // namespace thresher::catalog
