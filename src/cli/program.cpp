// Puts the commands together and turns the parser's complaints into one line.
#include "cli/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "cli/help_text.hpp"
#include "cli/output.hpp"
#include "thresher/version.hpp"

namespace thresher::cli {
namespace {

std::string version_text() {
  return fmt::format("thresher {}.{}.{}", THRESHER_VERSION_MAJOR, THRESHER_VERSION_MINOR, THRESHER_VERSION_PATCH);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string command_names(const std::vector<Command>& commands) {
  std::string names;
  for (const Command& command : commands) {
    names += (names.empty() ? "" : ", ") + command.app->get_name();
  }
  return names;
}

}  // namespace

void use_page(CLI::App& app, const std::string& page) {
  app.formatter_fn([page](const CLI::App*, std::string, CLI::AppFormatMode) { return std::string(help_text(page)); });
}

Program::Program() : app_("", "thresher") {
  app_.set_version_flag("--version", version_text());
  app_.require_subcommand(1);
  use_page(app_, "thresher");
  commands_ = {add_devices(app_), add_ceilings(app_), add_bench(app_),  add_verify(app_),  add_compare(app_),
               add_tune(app_),    add_round(app_),    add_ledger(app_), add_inspect(app_), add_cache(app_)};
  for (const Command& command : commands_) {
    use_page(*command.app, command.app->get_name());
  }
}

int Program::run(int argc, const char* const* argv) {
  if (is_worker(argc, argv)) return run_worker(argc, argv);
  // NOTE: the parser calls a misspelt command "a subcommand is required", which hides the misspelling.
  const auto named = [&](const Command& command) { return command.app->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && std::none_of(commands_.begin(), commands_.end(), named)) {
    throw UsageError(
        fmt::format("unknown command '{}'; there are {} (see 'thresher --help')", argv[1], command_names(commands_)));
  }
  if (argc < 2) {
    throw UsageError(fmt::format("which command? There are {} (see 'thresher --help')", command_names(commands_)));
  }
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream ignored;
    if (app_.exit(error, out, ignored) == 0) {
      print(out.str());
      return 0;
    }
    const auto chosen = app_.get_subcommands();
    const std::string name = chosen.empty() ? "" : " " + chosen.front()->get_name();
    throw UsageError(fmt::format("{} (see 'thresher{} --help')", one_line(error.what()), name));
  }
  const auto found = std::find_if(commands_.begin(), commands_.end(), [](const Command& c) { return c.app->parsed(); });
  return found->run();
}

}  // namespace thresher::cli
