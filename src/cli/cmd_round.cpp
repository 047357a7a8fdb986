// thresher round new | run | replay | report: rounds of the Shark Tank.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "catalog/cases.hpp"
#include "cli/device_lock.hpp"
#include "cli/json_output.hpp"
#include "cli/option_types.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/round_text.hpp"
#include "cli/tank_observer.hpp"
#include "device/environment.hpp"
#include "device/files.hpp"
#include "measure/cpu_executor.hpp"
#include "report/report.hpp"
#include "tank/round_assembly.hpp"
#include "tank/round_history.hpp"
#include "tank/round_runner.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

namespace fs = std::filesystem;

struct RoundArguments {
  fs::path folder;
  std::optional<fs::path> out;    // ledger, reports and champions go here instead of the round's folder
  std::optional<fs::path> rules;  // replay
  std::vector<fs::path> history;  // new
  std::optional<double> budget_seconds;
  bool no_wait = false;
  bool json = false;
};

std::vector<catalog::Case> all_cases() {
  return catalog::open_catalog(std::nullopt, device::read_environment()).cases;
}

fs::path output_folder(const RoundArguments& arguments) {
  return arguments.out.value_or(arguments.folder);
}

// With --out nothing in the round's folder or beside it is written: not the champions either.
tank::RoundDefinition load_definition(const RoundArguments& arguments) {
  tank::RoundDefinition definition = tank::load_round(arguments.folder);
  if (arguments.out && !definition.champions.empty()) definition.champions = *arguments.out / "champions";
  return definition;
}

std::vector<fs::path> write_reports(const tank::RoundRecord& record, const fs::path& folder) {
  const std::vector<std::pair<fs::path, std::string>> files = {
      {folder / "verdicts.json", dump(tank::to_json(record)) + "\n"},
      {folder / "report.md", report::markdown(record)},
      {folder / "report.html", report::html(record)}};
  std::vector<fs::path> written;
  for (const auto& [file, text] : files) {
    device::write_whole_file(file, text);
    written.push_back(file);
  }
  return written;
}

int show(const RoundArguments& arguments, const tank::RoundRecord& record, Progress& progress) {
  progress.stage("writing the reports");
  const std::vector<fs::path> written = write_reports(record, output_folder(arguments));
  progress.clear();
  if (arguments.json) {
    print_line(dump(tank::to_json(record)));
  } else {
    print(round_text(record));
    print_line(fmt::format("report: {}", written.back().string()));
  }
  return 0;
}

tank::RoundRecord run_measured(const RoundArguments& arguments, const tank::RoundDefinition& definition,
                               Progress& progress) {
  tank::check_round(definition, all_cases());
  tank::Ledger ledger(tank::ledger_file(output_folder(arguments)), tank::Ledger::Mode::append);
  const tank::DeviceLock lock = lock_device(fmt::format("round {}", definition.name), !arguments.no_wait, progress);
  progress.stage("measuring the ceilings of this machine");
  measure::CpuExecutor executor;
  TankObserver observer(progress);
  tank::RoundRecord record = tank::run_round(definition, all_cases(), executor, ledger, observer,
                                             {.budget_seconds = arguments.budget_seconds});
  ledger.close();
  return record;
}

int run_round(const RoundArguments& arguments) {
  const tank::RoundDefinition definition = load_definition(arguments);
  fs::create_directories(output_folder(arguments));
  Progress progress;
  if (definition.recorded) {
    tank::Ledger ledger(tank::ledger_file(output_folder(arguments)), tank::Ledger::Mode::append);
    const tank::RoundRecord record = tank::enter_recorded_round(definition, ledger);
    ledger.close();
    return show(arguments, record, progress);
  }
  return show(arguments, run_measured(arguments, definition, progress), progress);
}

// The rules that a round was started with, from its ledger: the file may have changed since.
tank::Rules recorded_rules(const tank::RoundDefinition& definition, const tank::Ledger& ledger) {
  const auto started = ledger.find("round", "definition");
  if (!started) {
    throw Error(ErrorCode::io, fmt::format("round {} was not run yet; run 'thresher round run {}' first",
                                           definition.name, definition.folder.string()));
  }
  const auto text = ledger.content(started->data.at("rules").get<std::string>());
  if (!text) throw Error(ErrorCode::parse, "the ledger lacks the rules of its round; restore it from a copy");
  return tank::parse_rules(*text, definition.rules_file.string());
}

int report_round(const RoundArguments& arguments) {
  const tank::RoundDefinition definition = load_definition(arguments);
  Progress progress;
  if (definition.recorded) return show(arguments, tank::recorded_record(definition), progress);
  const tank::Ledger ledger(tank::ledger_file(output_folder(arguments)), tank::Ledger::Mode::read);
  return show(arguments, tank::read_record(definition, recorded_rules(definition, ledger), all_cases(), ledger),
              progress);
}

Json replay_json(const tank::Replay& replay) {
  Json pitches = Json::array();
  const auto name = [](const std::optional<tank::Verdict>& verdict) {
    return verdict ? Json(tank::to_string(*verdict)) : Json(nullptr);
  };
  for (const tank::ReplayedPitch& one : replay.pitches)
    pitches.push_back({{"pitch", one.pitch},
                       {"recorded", name(one.recorded)},
                       {"replayed", name(one.replayed)},
                       {"reason", one.reason},
                       {"recorded_rank", one.recorded_rank},
                       {"replayed_rank", one.replayed_rank},
                       {"total", one.total},
                       {"recorded_funded", one.recorded_funded},
                       {"replayed_funded", one.replayed_funded}});
  return {{"rules", replay.rules},
          {"same_rules", replay.same_rules},
          {"reproduces", replay.reproduces()},
          {"noise_floor", replay.noise_floor},
          {"pitches", pitches}};
}

// Under its own rules a round must come out as recorded; under others it may differ, and that is the answer.
int replay_round(const RoundArguments& arguments) {
  const tank::RoundDefinition definition = load_definition(arguments);
  if (definition.recorded) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("round {} is recorded history: it has no samples to replay", definition.name));
  }
  const tank::Ledger ledger(tank::ledger_file(output_folder(arguments)), tank::Ledger::Mode::read);
  const tank::Rules recorded = recorded_rules(definition, ledger);
  const tank::Rules rules = arguments.rules ? tank::load_rules(*arguments.rules) : recorded;
  const tank::Replay replay = tank::replay_round(definition, recorded, rules, all_cases(), ledger);
  if (arguments.json) {
    print_line(dump(replay_json(replay)));
  } else {
    print(replay_text(replay));
  }
  return arguments.rules || replay.reproduces() ? 0 : 1;
}

int new_round(const RoundArguments& arguments) {
  tank::write_new_round(arguments.folder, arguments.history);
  print_line(fmt::format("wrote {}; edit it and its pitches, then: thresher round run {}",
                         (arguments.folder / "round.toml").string(), arguments.folder.string()));
  return 0;
}

}  // namespace

Command add_round(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("round");
  app->require_subcommand(1);
  const auto arguments = std::make_shared<RoundArguments>();
  const auto action = std::make_shared<std::function<int(const RoundArguments&)>>();
  const auto add = [&](const char* name, int (*run)(const RoundArguments&)) {
    CLI::App* sub = app->add_subcommand(name);
    use_page(*sub, "round");
    sub->add_option("folder", arguments->folder)->required();
    sub->callback([action, run] { *action = run; });
    return sub;
  };
  CLI::App* create = add("new", new_round);
  create->add_option("--history", arguments->history);
  CLI::App* run = add("run", run_round);
  add_seconds(*run, "--budget", arguments->budget_seconds);
  run->add_flag("--no-wait", arguments->no_wait);
  CLI::App* replay = add("replay", replay_round);
  replay->add_option("--rules", arguments->rules);
  CLI::App* report = add("report", report_round);
  for (CLI::App* sub : {run, replay, report}) {
    sub->add_option("--out", arguments->out);
    sub->add_flag("--json", arguments->json);
  }
  return {app, [arguments, action] { return (*action)(*arguments); }};
}

}  // namespace thresher::cli
