// The cases that --case names.
#include "cli/case_choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/program.hpp"
#include "device/environment.hpp"

namespace thresher::cli {

std::vector<catalog::Case> chosen_cases(const std::vector<std::string>& names, const std::optional<Op>& op) {
  const auto all = catalog::open_catalog(std::nullopt, device::read_environment()).cases;
  std::vector<catalog::Case> cases;
  for (const std::string& name : names) {
    const bool twice =
        std::any_of(cases.begin(), cases.end(), [&](const catalog::Case& one) { return one.name == name; });
    if (twice) throw UsageError(fmt::format("--case {} is given twice", name));
    cases.push_back(catalog::find_case(all, name).with_op(op.value_or(Op::gated)));
  }
  return cases;
}

}  // namespace thresher::cli
