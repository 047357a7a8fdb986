// The copy of cases/*.toml that the build puts into the library.
#pragma once

#include <span>
#include <string_view>

namespace thresher::catalog {

struct BuiltinFile {
  std::string_view name;
  std::string_view text;
};

std::span<const BuiltinFile> builtin_case_files();

}  // namespace thresher::catalog
