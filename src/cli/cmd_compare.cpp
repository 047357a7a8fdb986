// thresher compare A B: races B against A and says which one is faster, with an exit status for scripts.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "catalog/cases.hpp"
#include "cli/case_choice.hpp"
#include "cli/compare_status.hpp"
#include "cli/device_lock.hpp"
#include "cli/json_output.hpp"
#include "cli/ledger_request.hpp"
#include "cli/option_types.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/table.hpp"
#include "cli/tank_observer.hpp"
#include "device/environment.hpp"
#include "measure/cpu_executor.hpp"
#include "tank/or_null.hpp"
#include "tank/race_runner.hpp"
#include "tank/trial.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

// 1 and 2 are taken: something failed, wrong use.
constexpr int kExitLoss = 1;
constexpr int kExitAmbiguous = 3;
constexpr int kExitInvalid = 4;

struct CompareArguments {
  std::string a;
  std::string b;
  std::vector<std::string> cases;
  std::optional<Op> op;
  std::optional<double> budget_seconds;
  std::optional<std::filesystem::path> ledger;
  bool no_wait = false;
  bool json = false;
};

// The samples of a comparison that nobody asked to keep live in a file that goes with the process.
class LedgerFile {
 public:
  explicit LedgerFile(const std::optional<std::filesystem::path>& kept)
      : keep_(kept.has_value()),
        path_(kept.value_or(std::filesystem::temp_directory_path() /
                            fmt::format("thresher-compare-{}.sqlite", getpid()))) {}
  ~LedgerFile() {
    std::error_code ignored;
    if (!keep_) std::filesystem::remove(path_, ignored);
  }
  LedgerFile(const LedgerFile&) = delete;
  LedgerFile& operator=(const LedgerFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  bool keep_;
  std::filesystem::path path_;
};

// The first gate that one of the two does not pass. A is the measure of B, so it must be right as well.
std::optional<tank::Outcome> gate(measure::Executor& executor, const measure::Candidate& a, const measure::Candidate& b,
                                  const std::vector<catalog::Case>& cases, std::uint64_t seed, Progress& progress) {
  for (const measure::Candidate* one : {&a, &b}) {
    progress.stage(fmt::format("checking {}", one->name));
    if (auto failure = executor.admit(*one, cases)) {
      failure->reason = fmt::format("{}: {}", one->name, failure->reason);
      return tank::failed_outcome("B", "config", *failure);
    }
    const measure::CheckOutcome check = executor.check(*one, std::span(cases).first(1), seed);
    if (check.failure) {
      return tank::failed_outcome(
          "B", "correctness",
          {.kind = check.failure->kind, .reason = fmt::format("{}: {}", one->name, check.failure->reason)});
    }
  }
  return std::nullopt;
}

tank::Outcome race(measure::Executor& executor, tank::Ledger& ledger, const CompareArguments& arguments,
                   const measure::Candidate& a, const measure::Candidate& b, const std::vector<catalog::Case>& cases,
                   Progress& progress) {
  TankObserver observer(progress);
  const std::uint64_t seed = tank::fresh_seed(ledger, "check");
  if (auto stopped = gate(executor, a, b, cases, seed, progress)) return *stopped;
  const double seconds = arguments.budget_seconds.value_or(300.0);
  const measure::DecisionRule rule;
  const auto run = [&](const char* name, const measure::Candidate& candidate, int blocks, double limit, auto decided) {
    progress.stage(name);
    return tank::run_race(executor, ledger,
                          {.name = name,
                           .incumbent = a,
                           .candidate = candidate,
                           .cases = cases,
                           .max_blocks = blocks,
                           .max_seconds = limit,
                           .min_blocks = 6,
                           .decided = decided},
                          observer);
  };
  // A fifth of the time tells what this machine shows where there is no difference.
  const tank::RaceResult same = run("A against itself", a, rule.min_blocks, 0.2 * seconds, nullptr);
  if (same.failure) return tank::failed_outcome("B", "noise_floor", *same.failure);
  const double floor = measure::noise_floor(same.data, rule.confidence).value_or(rule.min_gain);
  const tank::RaceResult result =
      run("A against B", b, rule.max_blocks, 0.8 * seconds, [&](const measure::RaceData& data) {
        return data.blocks() >= rule.min_blocks &&
               measure::judge(data, floor, rule).ruling != measure::Ruling::ambiguous;
      });
  return tank::outcome_of("B", "race", result, floor, rule);
}

std::string text_of(const tank::Outcome& outcome) {
  std::vector<std::vector<std::string>> rows;
  for (const tank::CaseResult& one : outcome.cases)
    rows.push_back({one.case_name, fmt::format("{:.0f}", one.before_seconds * 1e6),
                    fmt::format("{:.0f}", one.after_seconds * 1e6), fmt::format("{:.3f}", one.speed_up),
                    one.low ? fmt::format("{:.3f} .. {:.3f}", *one.low, *one.high) : "-",
                    fmt::format("{}", one.blocks)});
  std::string text;
  if (!rows.empty()) {
    text = Table::fitted({{"case", 0, Align::left}, {"A us"}, {"B us"}, {"speed-up of B"}, {"95 %"}, {"blocks"}}, rows);
  }
  return text + fmt::format("{}: {}", tank::to_string(outcome.verdict), outcome.reason);
}

Json json_of(const CompareArguments& arguments, const measure::DeviceFacts& device, const tank::Outcome& outcome) {
  using tank::or_null;
  Json cases = Json::array();
  for (const tank::CaseResult& one : outcome.cases)
    cases.push_back({{"case", one.case_name},
                     {"a_us", one.before_seconds * 1e6},
                     {"b_us", one.after_seconds * 1e6},
                     {"speed_up", one.speed_up},
                     {"low", or_null(one.low)},
                     {"high", or_null(one.high)},
                     {"blocks", one.blocks}});
  return {{"device", device.name},
          {"a", arguments.a},
          {"b", arguments.b},
          {"verdict", tank::to_string(outcome.verdict)},
          {"decided_by", outcome.stopped_at},
          {"reason", outcome.reason},
          {"speed_up", or_null(outcome.speed_up)},
          {"low", or_null(outcome.low)},
          {"high", or_null(outcome.high)},
          {"more_blocks", or_null(outcome.more_blocks)},
          {"cases", cases}};
}

int run_compare(const CompareArguments& arguments) {
  measure::Candidate a = measure::candidate_from_text(arguments.a);
  measure::Candidate b = measure::candidate_from_text(arguments.b);
  a.name = "A";
  b.name = "B";
  const std::vector<catalog::Case> cases = chosen_cases(arguments.cases, arguments.op);
  Progress progress;
  const tank::DeviceLock lock = lock_device("compare", !arguments.no_wait, progress);
  const LedgerFile file(arguments.ledger);
  tank::Ledger ledger(file.path(), tank::Ledger::Mode::append);
  progress.stage("measuring the ceilings of this machine");
  measure::CpuExecutor executor;
  enter_request(ledger, "compare",
                {{"a", tank::content_hash(a.content())},
                 {"b", tank::content_hash(b.content())},
                 {"cases", arguments.cases},
                 {"op", to_string(arguments.op.value_or(Op::gated))},
                 {"machine", executor.device().machine}});
  const tank::Outcome outcome = race(executor, ledger, arguments, a, b, cases, progress);
  ledger.close();
  progress.clear();
  print_line(arguments.json ? dump(json_of(arguments, executor.device(), outcome)) : text_of(outcome));
  return compare_status(outcome.verdict);
}

}  // namespace

int compare_status(tank::Verdict verdict) {
  switch (verdict) {
    case tank::Verdict::win:
    case tank::Verdict::same:
      return 0;
    case tank::Verdict::loss:
      return kExitLoss;
    case tank::Verdict::ambiguous:
      return kExitAmbiguous;
    case tank::Verdict::invalid:
    case tank::Verdict::impossible:
    case tank::Verdict::error:
      break;
  }
  return kExitInvalid;
}

Command add_compare(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("compare");
  const auto arguments = std::make_shared<CompareArguments>();
  app->add_option("a", arguments->a)->required();
  app->add_option("b", arguments->b)->required();
  app->add_option("--case", arguments->cases)->required();
  add_op(*app, arguments->op);
  add_seconds(*app, "--budget", arguments->budget_seconds);
  app->add_option("--ledger", arguments->ledger);
  app->add_flag("--no-wait", arguments->no_wait);
  app->add_flag("--json", arguments->json);
  return {app, [arguments] { return run_compare(*arguments); }};
}

}  // namespace thresher::cli
