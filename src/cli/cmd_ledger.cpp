// thresher ledger list | show | export: looks into what rounds have recorded.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "cli/json_output.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/table.hpp"
#include "tank/external_reply.hpp"
#include "tank/ledger.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

namespace fs = std::filesystem;
using tank::Ledger;

// An event stays on one line of a wide terminal; --json has it whole.
constexpr std::size_t kShownCharacters = 120;

struct LedgerArguments {
  fs::path path = ".";
  std::optional<std::string> race;
  bool json = false;
};

/// What `list` says of a file.
struct Entry {
  fs::path file;
  std::uintmax_t bytes = 0;
  std::size_t events = 0;
  std::int64_t samples = 0;
  std::size_t races = 0;
  std::string started;  // of the first event
  std::string last;     // of the last one
  std::string problem;  // why it can't be read
};

// By what SQLite keeps in the header for this purpose, or by the name that rounds give it, so that a damaged one is not
// passed over.
bool is_ledger(const fs::path& file) {
  if (file.filename() == "ledger.sqlite") {
    return true;
  }
  std::array<char, 72> header = {};
  std::ifstream(file, std::ios::binary).read(header.data(), header.size());
  const std::string_view text(header.data(), header.size());
  return text.starts_with("SQLite format 3") && text.substr(68) == "THRL";
}

std::vector<fs::path> ledgers_under(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    return {path};
  }
  std::vector<fs::path> found;
  fs::recursive_directory_iterator entries(path, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (entries->is_directory(ignored) && entries->path().filename().string().starts_with(".")) {
      entries.disable_recursion_pending();
    } else if (entries->is_regular_file(ignored) && is_ledger(entries->path())) {
      found.push_back(entries->path());
    }
  }
  if (error) {
    throw Error(ErrorCode::io, fmt::format("cannot read the folder '{}': {}", path.string(), error.message()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

fs::path the_ledger(const fs::path& path) {
  const std::vector<fs::path> found = ledgers_under(path);
  if (found.size() == 1) {
    return found.front();
  }
  std::string names;
  for (const fs::path& file : found) {
    names += (names.empty() ? "" : ", ") + file.string();
  }
  throw Error(ErrorCode::io,
              found.empty()
                  ? fmt::format("there is no ledger under '{}': run a round there, or name the file", path.string())
                  : fmt::format("there are {} ledgers under '{}': name one of {}", found.size(), path.string(), names));
}

Entry look_at(const fs::path& file) {
  Entry entry;
  entry.file = file;
  try {
    const Ledger ledger(file, Ledger::Mode::read);
    const std::vector<tank::Event> events = ledger.events();
    entry.bytes = fs::file_size(file);
    entry.events = events.size();
    entry.samples = ledger.sample_count();
    entry.races = ledger.races().size();
    if (!events.empty()) {
      entry.started = events.front().at;
      entry.last = events.back().kind + " " + events.back().subject;
    }
  } catch (const Error& error) {
    entry.problem = error.what();
  }
  return entry;
}

Json to_json(const Entry& entry) {
  if (!entry.problem.empty()) {
    return {{"file", entry.file.string()}, {"error", entry.problem}};
  }
  return {{"file", entry.file.string()}, {"bytes", entry.bytes},  {"events", entry.events},
          {"samples", entry.samples},    {"races", entry.races},  {"started", entry.started},
          {"last", entry.last},          {"error", Json(nullptr)}};
}

int list(const LedgerArguments& arguments) {
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows;
  std::string problems;
  for (const fs::path& file : ledgers_under(arguments.path)) {
    const Entry entry = look_at(file);
    json.push_back(to_json(entry));
    if (!entry.problem.empty()) {
      problems += entry.problem + "\n";
      continue;
    }
    rows.push_back({entry.file.string(), std::to_string(entry.events), std::to_string(entry.races),
                    std::to_string(entry.samples), fmt::format("{:.1f} KiB", static_cast<double>(entry.bytes) / 1024),
                    entry.started, tank::clean_text(entry.last, kShownCharacters)});
  }
  if (arguments.json) {
    print_line(dump({{"ledgers", json}}));
  } else if (json.empty()) {
    print_line(fmt::format("no ledger under '{}'", arguments.path.string()));
  } else {
    print(Table::fitted({{"ledger", 0, Align::left},
                         {"events"},
                         {"races"},
                         {"samples"},
                         {"size"},
                         {"started", 0, Align::left},
                         {"last event", 0, Align::left}},
                        rows) +
          problems);
  }
  return problems.empty() ? 0 : 1;
}

// Of the whole ledger's JSON, so that both commands call things the same.
int show_events(const Ledger& ledger, bool as_json) {
  if (as_json) {
    print_line(dump({{"events", export_ledger(ledger)["events"]}}));
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const tank::Event& event : ledger.events()) {
    const std::string data = event.data.dump(-1, ' ', false, Json::error_handler_t::replace);
    rows.push_back({event.at, event.kind, event.subject, tank::clean_text(data, kShownCharacters)});
  }
  print(Table::fitted(
      {{"at", 0, Align::left}, {"kind", 0, Align::left}, {"subject", 0, Align::left}, {"data", 0, Align::left}}, rows));
  return 0;
}

int show_race(const Ledger& ledger, const std::string& race, bool as_json) {
  const std::vector<tank::Sample> samples = ledger.samples(race);
  if (samples.empty()) {
    std::string names;
    for (const std::string& name : ledger.races()) {
      names += (names.empty() ? "" : ", ") + name;
    }
    throw Error(ErrorCode::invalid_argument,
                fmt::format("no race '{}' in this ledger; there are {}", race, names.empty() ? "none" : names));
  }
  if (as_json) {
    for (const Json& one : export_ledger(ledger)["races"]) {
      if (one["race"] == race) print_line(dump(one));
    }
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const tank::Sample& one : samples) {
    rows.push_back({std::to_string(one.block), std::to_string(one.attempt), one.case_name, std::to_string(one.position),
                    one.side, fmt::format("{:.3f}", one.seconds * 1e6),
                    one.clock_mhz ? fmt::format("{:.0f}", *one.clock_mhz) : "-", fmt::format("{:016x}", one.content)});
  }
  print(Table::fitted({{"block"},
                       {"attempt"},
                       {"case", 0, Align::left},
                       {"position"},
                       {"side", 0, Align::left},
                       {"us"},
                       {"MHz"},
                       {"content"}},
                      rows));
  return 0;
}

int show(const LedgerArguments& arguments) {
  const Ledger ledger(the_ledger(arguments.path), Ledger::Mode::read);
  return arguments.race ? show_race(ledger, *arguments.race, arguments.json) : show_events(ledger, arguments.json);
}

int export_all(const LedgerArguments& arguments) {
  print_line(dump(export_ledger(Ledger(the_ledger(arguments.path), Ledger::Mode::read))));
  return 0;
}

}  // namespace

Command add_ledger(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("ledger");
  app->require_subcommand(1);
  const auto arguments = std::make_shared<LedgerArguments>();
  const auto action = std::make_shared<std::function<int(const LedgerArguments&)>>();
  const auto add = [&](const char* name, int (*run)(const LedgerArguments&)) {
    CLI::App* sub = app->add_subcommand(name);
    use_page(*sub, "ledger");
    sub->add_option("path", arguments->path);
    sub->callback([action, run] { *action = run; });
    return sub;
  };
  add("list", list)->add_flag("--json", arguments->json);
  CLI::App* showing = add("show", show);
  showing->add_option("--race", arguments->race);
  showing->add_flag("--json", arguments->json);
  add("export", export_all);
  return {app, [arguments, action] { return (*action)(*arguments); }};
}

}  // namespace thresher::cli
