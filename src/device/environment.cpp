// Turns environment variables into an Environment.
#include "device/environment.hpp"

#include <cstdlib>

namespace thresher::device {

Environment read_environment() {
  return read_environment([](const char* name) -> const char* { return std::getenv(name); });
}

Environment read_environment(const std::function<const char*(const char*)>& variable) {
  const auto value = [&variable](const char* name) -> std::optional<std::string> {
    const char* text = variable(name);
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::string(text);
  };

  Environment environment;
  environment.cpu_isa = value("THRESHER_CPU_ISA");
  environment.cases = value("THRESHER_CASES");
  environment.champions = value("THRESHER_CHAMPIONS");
  environment.nvrtc = value("THRESHER_NVRTC");
  environment.cuda_home = value("CUDA_HOME");
  environment.cuda_path = value("CUDA_PATH");
  environment.terminal = value("TERM");
  environment.cache_dir = value("THRESHER_CACHE_DIR");
  if (!environment.cache_dir) {
    // The XDG specification says that a relative path here is invalid and must be ignored.
    const std::optional<std::string> xdg = value("XDG_CACHE_HOME");
    if (xdg && xdg->front() == '/') environment.cache_dir = *xdg + "/thresher";
  }
  if (!environment.cache_dir) {
    const std::optional<std::string> home = value("HOME");
    if (home) environment.cache_dir = *home + "/.cache/thresher";
  }
  return environment;
}

}  // namespace thresher::device
