// The copy of champions/*.toml that the build puts into the library.
#pragma once

#include <span>

#include "catalog/builtin_cases.hpp"

namespace thresher::catalog {

std::span<const BuiltinFile> builtin_champion_files();

}  // namespace thresher::catalog
