// The cases that --case names, for commands that race.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/cases.hpp"

namespace thresher::cli {

/// The named cases with the op (gated where none is asked for), in the order asked. Throws UsageError for one given
/// twice.
std::vector<catalog::Case> chosen_cases(const std::vector<std::string>& names, const std::optional<Op>& op);

}  // namespace thresher::cli
