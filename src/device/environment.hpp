// The one place that reads environment variables.
//
//   THRESHER_CPU_ISA    forces an instruction set: amx | avx512 | avx2 | portable
//   THRESHER_CASES      folder of cases/*.toml to use instead of ./cases and the built-in ones
//   THRESHER_CHAMPIONS  folder of champions/*.toml to use instead of ./champions and the built-in ones
//   THRESHER_CACHE_DIR  where measurements of this machine are kept;
//                       else XDG_CACHE_HOME/thresher, else HOME/.cache/thresher
//   THRESHER_NVRTC      the libnvrtc to compile GPU kernels with; no other is looked for then
//   CUDA_HOME, CUDA_PATH  CUDA toolkits, where libnvrtc is looked for too
//   TERM                what the terminal can do: unset or "dumb" cannot move its cursor
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace thresher::device {

/// Values as the user wrote them. A variable that is unset or empty is nothing.
struct Environment {
  std::optional<std::string> cpu_isa;
  std::optional<std::string> cases;
  std::optional<std::string> champions;
  std::optional<std::string> cache_dir;  // resolved; nothing when no variable names a place
  std::optional<std::string> nvrtc;
  std::optional<std::string> cuda_home;
  std::optional<std::string> cuda_path;
  std::optional<std::string> terminal;
};

/// Reads the variables as they are now; nothing is remembered.
Environment read_environment();

/// The same over any source of variables (a null result is "unset"), for tests.
Environment read_environment(const std::function<const char*(const char*)>& variable);

}  // namespace thresher::device
