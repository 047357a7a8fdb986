// The exit status of a comparison, for scripts.
#pragma once

#include "tank/verdict.hpp"

namespace thresher::cli {

/// 0: B is faster or the same, 1: slower, 3: not decided, 4: B (or A) failed. docs/cli/compare.md has the table.
int compare_status(tank::Verdict verdict);

}  // namespace thresher::cli
