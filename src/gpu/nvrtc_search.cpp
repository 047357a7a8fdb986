// Where libnvrtc may be: a toolkit, the loader's folders, a wheel in the project's virtual environment.
#include <algorithm>
#include <system_error>

#include "gpu/nvrtc.hpp"

namespace thresher::gpu {
namespace {

namespace fs = std::filesystem;

// Folders inside `folder` whose names begin with `prefix`, the last by name (the newest version) first.
std::vector<fs::path> folders_in(const fs::path& folder, const std::string& prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().filename().string().starts_with(prefix) && entry->is_directory(ignored)) {
      found.push_back(entry->path());
    }
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

void add_file(const fs::path& path, std::vector<std::string>& candidates) {
  std::error_code error;
  if (fs::exists(path, error)) candidates.push_back(path.string());
}

void add_library(const fs::path& folder, std::vector<std::string>& candidates) {
  for (const char* name : {"libnvrtc.so.13", "libnvrtc.so.12"}) {
    add_file(folder / name, candidates);
  }
}

// PyPI's nvidia-cuda-nvrtc puts it into nvidia/cu13/lib, older ones into nvidia/cuda_nvrtc/lib.
void add_wheels(const fs::path& project, std::vector<std::string>& candidates) {
  for (const fs::path& python : folders_in(project / ".venv" / "lib", "python3")) {
    for (const fs::path& package : folders_in(python / "site-packages" / "nvidia", "")) {
      add_library(package, candidates);
      for (const fs::path& below : folders_in(package, "")) {
        add_library(below, candidates);
      }
    }
  }
}

}  // namespace

NvrtcSearch nvrtc_search(const device::Environment& environment) {
  NvrtcSearch search;
  search.forced = environment.nvrtc;
  search.toolkits = folders_in("/usr/local", "cuda");
  for (const auto& toolkit : {environment.cuda_home, environment.cuda_path}) {
    if (toolkit) search.toolkits.emplace_back(*toolkit);
  }
  std::error_code error;
  if (const fs::path current = fs::current_path(error); !error) search.projects.push_back(current);
  if (const fs::path executable = fs::read_symlink("/proc/self/exe", error); !error) {
    search.projects.push_back(executable.parent_path());
  }
  return search;
}

std::vector<std::string> nvrtc_candidates(const NvrtcSearch& search) {
  if (search.forced) return {*search.forced};
  std::vector<std::string> candidates = search.names;
  for (const fs::path& toolkit : search.toolkits) {
    add_library(toolkit / "lib64", candidates);
    add_library(toolkit / "lib", candidates);
  }
  for (const fs::path& project : search.projects) {
    add_wheels(project, candidates);
  }
  return candidates;
}

}  // namespace thresher::gpu
