// thresher verify: random problems on every instruction set, or on a GPU, against the reference.
#include <fmt/format.h>

#include <memory>

#include "cli/gpu_verify.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_output.hpp"
#include "cli/option_types.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/table.hpp"
#include "cli/verify_run.hpp"
#include "device/cpu_info.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

struct VerifyArguments {
  DeviceChoice device;
  std::optional<Isa> isa;
  std::int64_t seeds = 100;
  std::uint64_t first = 1;
  bool json = false;
};

// The one that was asked for or is forced, else every usable one.
std::vector<Isa> chosen_isas(std::optional<Isa> asked) {
  const std::optional<Isa> forced = forced_isa(asked);
  const std::optional<Isa> only = forced ? forced : asked;
  std::vector<Isa> isas;
  for (const IsaStatus& status : device::cpu_info().isas) {
    if (only && *only == status.isa && !status.usable) {
      throw Error(ErrorCode::unsupported,
                  fmt::format("{} can't run here: {}; see 'thresher devices'", to_string(status.isa), status.why_not));
    }
    if (status.usable && (!only || *only == status.isa)) {
      isas.push_back(status.isa);
    }
  }
  return isas;
}

std::string to_text(const VerifyReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [isa, totals] : report.totals) {
    rows.push_back({to_string(isa), fmt::format("{}", totals.seeds), fmt::format("{}", totals.elements),
                    fmt::format("{:.1e}", totals.max_rel_err), fmt::format("{:.3f}", totals.worst_ratio),
                    fmt::format("{}", totals.failures)});
  }
  std::string text = Table::fitted(
      {{"isa", 0, Align::left}, {"seeds"}, {"elements"}, {"max rel err"}, {"error / tolerance"}, {"failures"}}, rows);
  for (const VerifyFailure& failure : report.failures) {
    text +=
        fmt::format("seed {} on {}: {}\n  problem: {}\n  config: {}\n  again: {}\n", failure.seed,
                    to_string(failure.isa), failure.error, failure.problem, failure.config, reproduce_command(failure));
  }
  return text;
}

int run_gpu_verify(const VerifyArguments& arguments) {
  if (arguments.isa) {
    throw UsageError(fmt::format("--isa {} is of the CPU; leave it out with --device {}", to_string(*arguments.isa),
                                 to_text(arguments.device)));
  }
  Progress progress;
  const GpuVerifyReport report = gpu_verify_seeds(arguments.first, arguments.seeds, *arguments.device.gpu, progress);
  if (arguments.json) {
    print_line(dump(to_json(report)));
  } else {
    print(to_text(report));
  }
  if (report.interrupted) {
    throw Interrupted();
  }
  return report.ok() ? 0 : 1;
}

int run_verify(const VerifyArguments& arguments) {
  if (arguments.device.gpu) {
    return run_gpu_verify(arguments);
  }
  const std::vector<Isa> isas = chosen_isas(arguments.isa);
  Progress progress;
  const VerifyReport report = verify_seeds(arguments.first, arguments.seeds, isas, progress);
  if (arguments.json) {
    Json json = {{"device", device::cpu_info().name}, {"machine", device::machine_key(device::cpu_info())}};
    json.update(to_json(report));
    print_line(dump(json));
  } else {
    print(to_text(report));
  }
  if (report.interrupted) {
    throw Interrupted();
  }
  return report.failures.empty() ? 0 : 1;
}

}  // namespace

Command add_verify(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("verify");
  const auto arguments = std::make_shared<VerifyArguments>();
  add_any_device(*app, arguments->device);
  add_isa(*app, arguments->isa);
  app->add_option("--seeds", arguments->seeds)->check(CLI::Range(std::int64_t{1}, std::int64_t{100000000}));
  add_seed(*app, "--seed", arguments->first);
  app->add_flag("--json", arguments->json);
  return {app, [arguments] { return run_verify(*arguments); }};
}

}  // namespace thresher::cli
