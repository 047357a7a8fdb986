// thresher cache list | clear: the compiled GPU kernels that are kept on disk.
#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/json_output.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/table.hpp"
#include "device/environment.hpp"
#include "gpu/cubin_cache.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

gpu::CubinCache the_cache() {
  const std::optional<gpu::CubinCache> cache = gpu::CubinCache::of(device::read_environment());
  if (!cache) {
    throw Error(ErrorCode::environment, "there is no cache folder: set THRESHER_CACHE_DIR, XDG_CACHE_HOME or HOME");
  }
  return *cache;
}

std::string kib(std::uintmax_t bytes) {
  return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
}

Json to_json(const gpu::CacheEntry& entry) {
  const auto known = [&](const std::string& text) { return entry.problem.empty() ? Json(text) : Json(nullptr); };
  return {{"file", entry.file.string()},       {"bytes", entry.bytes},
          {"kernel", known(entry.kernel)},     {"arch", known(entry.arch)},
          {"compiler", known(entry.compiler)}, {"error", entry.problem.empty() ? Json(nullptr) : Json(entry.problem)}};
}

int list(bool json) {
  const gpu::CubinCache cache = the_cache();
  const std::vector<gpu::CacheEntry> entries = cache.list();
  Json listed = Json::array();
  std::vector<std::vector<std::string>> rows;
  std::uintmax_t bytes = 0;
  for (const gpu::CacheEntry& entry : entries) {
    listed.push_back(to_json(entry));
    bytes += entry.bytes;
    rows.push_back({entry.problem.empty() ? entry.kernel : "not usable: " + entry.problem, entry.arch, entry.compiler,
                    kib(entry.bytes), entry.file.filename().string()});
  }
  if (json) {
    print_line(dump({{"folder", cache.folder().string()}, {"bytes", bytes}, {"entries", listed}}));
    return 0;
  }
  if (!entries.empty()) {
    print(Table::fitted({{"kernel", 0, Align::left},
                         {"arch", 0, Align::left},
                         {"compiler", 0, Align::left},
                         {"size"},
                         {"file", 0, Align::left}},
                        rows));
  }
  print_line(fmt::format("{} kernel{}, {} in {}", entries.size(), entries.size() == 1 ? "" : "s", kib(bytes),
                         cache.folder().string()));
  return 0;
}

int clear(bool json) {
  const gpu::CubinCache cache = the_cache();
  const gpu::CacheCleared cleared = cache.clear();
  if (json) {
    print_line(dump(
        {{"folder", cache.folder().string()}, {"removed_files", cleared.files}, {"removed_bytes", cleared.bytes}}));
  } else {
    print_line(fmt::format("removed {} file{}, {} from {}", cleared.files, cleared.files == 1 ? "" : "s",
                           kib(cleared.bytes), cache.folder().string()));
  }
  return 0;
}

}  // namespace

Command add_cache(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("cache");
  app->require_subcommand(1);
  const auto json = std::make_shared<bool>(false);
  const auto action = std::make_shared<std::function<int(bool)>>();
  const auto add = [&](const char* name, int (*run)(bool)) {
    CLI::App* sub = app->add_subcommand(name);
    use_page(*sub, "cache");
    sub->add_flag("--json", *json);
    sub->callback([action, run] { *action = run; });
  };
  add("list", list);
  add("clear", clear);
  return {app, [json, action] { return (*action)(*json); }};
}

}  // namespace thresher::cli
