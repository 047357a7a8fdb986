// The copy of rules/round-2.toml that the build puts into the library, for rounds made away from the source tree.
#pragma once

#include <string_view>

namespace thresher::tank {

std::string_view builtin_rules();

}  // namespace thresher::tank
