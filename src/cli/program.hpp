// The commands of the program, their options, and what runs when one is chosen.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace thresher::cli {

/// One subcommand: its options, and what it does once they are parsed. The result is the exit status.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

// One file each.
Command add_devices(CLI::App& parent);
Command add_ceilings(CLI::App& parent);
Command add_bench(CLI::App& parent);
Command add_verify(CLI::App& parent);
Command add_round(CLI::App& parent);
Command add_ledger(CLI::App& parent);
Command add_compare(CLI::App& parent);
Command add_tune(CLI::App& parent);
Command add_inspect(CLI::App& parent);
Command add_cache(CLI::App& parent);

/// Lets the help of a command be the page docs/cli/<page>.md.
void use_page(CLI::App& app, const std::string& page);

// The hidden command of races, which no page lists.
bool is_worker(int argc, const char* const* argv);
int run_worker(int argc, const char* const* argv);

/// Wrong use of the command line: exit 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Program {
 public:
  Program();

  /// Parses and runs. Throws UsageError, Error, OutputClosed.
  int run(int argc, const char* const* argv);

  [[nodiscard]] const CLI::App& app() const { return app_; }
  [[nodiscard]] const std::vector<Command>& commands() const { return commands_; }

 private:
  CLI::App app_;
  std::vector<Command> commands_;
};

}  // namespace thresher::cli
