// thresher tune: searches the knobs for a config that beats the default, within a budget.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "catalog/cases.hpp"
#include "catalog/champions.hpp"
#include "cli/case_choice.hpp"
#include "cli/device_lock.hpp"
#include "cli/json_output.hpp"
#include "cli/ledger_request.hpp"
#include "cli/option_types.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/table.hpp"
#include "cli/tank_observer.hpp"
#include "cpu/grouped_gemm.hpp"
#include "device/environment.hpp"
#include "device/utc_time.hpp"
#include "measure/ceilings_store.hpp"
#include "measure/cpu_executor.hpp"
#include "tank/or_null.hpp"
#include "tank/tuner.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

struct TuneArguments {
  std::vector<std::string> cases;
  std::optional<Op> op;
  std::string device = "cpu";
  std::optional<double> budget_seconds;
  std::uint64_t seed = 1;
  std::optional<std::filesystem::path> ledger;
  bool save = false;
  bool no_wait = false;
  bool json = false;
};

// Stops between calls on Ctrl-C: what was measured so far is the answer then.
class TuneObserver : public TankObserver {
 public:
  using TankObserver::TankObserver;
  void checkpoint() override {}
};

// Champions are kept for one shape class, so one search serves one.
std::vector<catalog::Case> cases_of_one_class(const TuneArguments& arguments) {
  std::vector<catalog::Case> cases = chosen_cases(arguments.cases, arguments.op);
  const ShapeClass first = shape_class(cases.front().problem);
  for (const catalog::Case& one : cases) {
    if (shape_class(one.problem) != first) {
      throw UsageError(fmt::format("{} is a {} case and {} a {} one; champions are kept for one class: tune them apart",
                                   cases.front().name, to_string(first), one.name,
                                   to_string(shape_class(one.problem))));
    }
  }
  return cases;
}

tank::SearchSpace space_of(const std::vector<catalog::Case>& cases, const CpuConfig& base) {
  std::int64_t k = 0;
  std::int64_t m = 0;
  std::int64_t n = 0;
  for (const catalog::Case& one : cases) {
    k = std::max(k, one.problem.k);
    n = std::max(n, one.problem.n);
    for (const std::int64_t rows : one.problem.m)
      m = std::max(m, rows);
  }
  const OutputType output = cases.front().problem.output;
  return tank::SearchSpace(tank::cpu_knobs(k, m, n), base,
                           [output](const CpuConfig& config) { return cpu::why_invalid(config, output); });
}

CpuConfig config_in_force(const std::vector<catalog::Case>& cases, Isa isa) {
  const catalog::Champions champions = catalog::open_champions(device::read_environment());
  const Champion* champion =
      find_champion(champions.table, cases.front().problem.op, shape_class(cases.front().problem), isa);
  CpuConfig config;
  if (champion != nullptr) config = champion->config;
  config.isa = isa;
  config.threads = 0;
  return config;
}

std::string trials_text(const tank::TuneResult& result) {
  constexpr std::size_t kShown = 8;
  std::vector<std::vector<std::string>> rows;
  for (const tank::Trial& trial : result.trials) {
    if (rows.size() == kShown) break;
    rows.push_back({trial.effect() ? fmt::format("{:+.1f} %", std::expm1(*trial.effect()) * 100.0) : "failed",
                    fmt::format("{}", trial.log_effects.size()), to_text(trial.config)});
  }
  return rows.empty() ? std::string()
                      : Table::fitted({{"to the default"}, {"blocks"}, {"config", 0, Align::left}}, rows);
}

std::string ending(const tank::TuneResult& result, const CpuConfig& in_force) {
  switch (result.end) {
    case tank::TuneEnd::beaten:
      return fmt::format("the default was beaten: {}\n{}", to_text(result.best), result.why);
    case tank::TuneEnd::tied:
      return fmt::format("a tie: the best config found is no faster than the default, which stays: {}\n{}",
                         to_text(in_force), result.why);
    case tank::TuneEnd::undecided:
      return fmt::format("undecided, the default stays: {}\n{}", to_text(in_force), result.why);
    case tank::TuneEnd::not_beaten:
      break;
  }
  return fmt::format("the default was not beaten: {}\n{}", to_text(in_force), result.why);
}

Json json_of(const measure::DeviceFacts& device, const tank::TuneResult& result, const CpuConfig& in_force) {
  Json trials = Json::array();
  for (const tank::Trial& trial : result.trials)
    trials.push_back({{"config", to_text(trial.config)},
                      {"log_effects", trial.log_effects},
                      {"failure", trial.failure ? Json(trial.failure->reason) : Json(nullptr)}});
  Json deciding = nullptr;
  if (result.outcome) {
    deciding = {{"verdict", tank::to_string(result.outcome->verdict)},
                {"speed_up", tank::or_null(result.outcome->speed_up)},
                {"low", tank::or_null(result.outcome->low)},
                {"high", tank::or_null(result.outcome->high)}};
  }
  return {{"device", device.name},
          {"kind", device.kind},
          {"end", to_string(result.end)},
          {"default", to_text(in_force)},
          {"best", to_text(result.best)},
          {"why", result.why},
          {"race", deciding},
          {"interrupted", result.interrupted},
          {"exhaustive", result.exhaustive},
          {"trials", trials}};
}

void save(const TuneArguments& arguments, const measure::DeviceFacts& device, const std::vector<catalog::Case>& cases,
          const tank::TuneResult& result) {
  const std::filesystem::path folder = catalog::champions_folder(device::read_environment());
  CpuConfig config = result.best;
  config.threads = 0;
  catalog::store_champion(folder, device.kind,
                          {.op = cases.front().problem.op,
                           .shape_class = shape_class(cases.front().problem),
                           .config = config,
                           .round = fmt::format("tune --case {}", fmt::join(arguments.cases, " --case ")),
                           .measured = result.why,
                           .date = device::utc_date()});
  print_line(fmt::format("saved as champion in {}", catalog::champions_path(folder, device.kind).string()));
}

// An interrupted search of the same cases goes on in its ledger, so the name follows from them.
std::filesystem::path ledger_path(const TuneArguments& arguments, const measure::DeviceFacts& device) {
  if (arguments.ledger) return *arguments.ledger;
  const std::filesystem::path folder = measure::cache_folder(device::read_environment()) / "tune";
  std::filesystem::create_directories(folder);
  return folder / fmt::format("{}-{}-{}.sqlite", device.machine, to_string(arguments.op.value_or(Op::gated)),
                              fmt::join(arguments.cases, "-"));
}

int run_tune(const TuneArguments& arguments) {
  const std::vector<catalog::Case> cases = cases_of_one_class(arguments);
  Progress progress;
  const tank::DeviceLock lock = lock_device("tune", !arguments.no_wait, progress);
  progress.stage("measuring the ceilings of this machine");
  measure::CpuExecutor executor;
  const measure::DeviceFacts& device = executor.device();
  const CpuConfig in_force = config_in_force(cases, *parse_isa(device.kind.substr(4)));
  tank::Ledger ledger(ledger_path(arguments, device), tank::Ledger::Mode::append);
  enter_request(ledger, "tune",
                {{"default", to_text(in_force)},
                 {"cases", arguments.cases},
                 {"op", to_string(arguments.op.value_or(Op::gated))},
                 {"machine", device.machine}});
  TuneObserver observer(progress);
  const tank::TuneResult result = tank::tune({.cases = cases,
                                              .default_config = in_force,
                                              .budget_seconds = arguments.budget_seconds.value_or(300.0),
                                              .seed = arguments.seed,
                                              .rule = {}},
                                             space_of(cases, in_force), executor, ledger, observer, interrupted);
  ledger.close();
  progress.clear();
  if (arguments.json) {
    print_line(dump(json_of(device, result, in_force)));
  } else {
    print(trials_text(result));
    print_line(ending(result, in_force));
  }
  if (result.interrupted) {
    progress.note(
        fmt::format("everything measured is in {}; the same command goes on", ledger_path(arguments, device).string()));
    throw Interrupted();
  }
  if (result.end == tank::TuneEnd::beaten && arguments.save) save(arguments, device, cases, result);
  return 0;
}

}  // namespace

Command add_tune(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("tune");
  const auto arguments = std::make_shared<TuneArguments>();
  app->add_option("--case", arguments->cases)->required();
  add_op(*app, arguments->op);
  add_device(*app, arguments->device);
  add_seconds(*app, "--budget", arguments->budget_seconds);
  add_seed(*app, "--seed", arguments->seed);
  app->add_option("--ledger", arguments->ledger);
  app->add_flag("--save", arguments->save);
  app->add_flag("--no-wait", arguments->no_wait);
  app->add_flag("--json", arguments->json);
  return {app, [arguments] { return run_tune(*arguments); }};
}

}  // namespace thresher::cli
