// thresher bench: checks and times cases against what this machine can do at most.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "catalog/champions.hpp"
#include "cli/bench_case.hpp"
#include "cli/bench_table.hpp"
#include "cli/gpu_bench.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_output.hpp"
#include "cli/option_types.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "device/cpu_info.hpp"
#include "measure/ceilings.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

struct BenchArguments {
  BenchOptions bench;
  std::optional<Op> op;
  std::optional<Isa> isa;
  DeviceChoice device;
  std::string config;  // as written: which knobs there are depends on the device
  int threads = 0;
  bool json = false;
  bool no_champions = false;
};

// Parses --config. What is wrong with it is a usage error, whichever device it is for.
template <typename Config>
Config parsed_config(const std::string& text, Config (*parse)(std::string_view)) {
  try {
    return parse(text);
  } catch (const Error& error) {
    throw UsageError(fmt::format("--config: {} (see 'thresher bench --help')", error.what()));
  }
}

// --isa and --threads are short for fields of --config; two different values for one field are a mistake.
CpuConfig merged_config(const BenchArguments& arguments) {
  CpuConfig config = parsed_config(arguments.config, cpu_config_from_text);
  if (arguments.isa) {
    if (config.isa != Isa::automatic && config.isa != *arguments.isa) {
      throw UsageError(fmt::format("--isa {} and --config isa={} disagree; give one of them", to_string(*arguments.isa),
                                   to_string(config.isa)));
    }
    config.isa = *arguments.isa;
  }
  if (arguments.threads != 0) {
    if (config.threads != 0 && config.threads != arguments.threads) {
      throw UsageError(fmt::format("--threads {} and --config threads={} disagree; give one of them", arguments.threads,
                                   config.threads));
    }
    config.threads = arguments.threads;
  }
  const std::optional<Isa> forced =
      forced_isa(config.isa == Isa::automatic ? std::nullopt : std::optional<Isa>(config.isa));
  config.isa = forced.value_or(config.isa);
  return config;
}

// Measures on first use and tells the reader: every share in the table refers to these numbers.
class CeilingsOnce {
 public:
  CeilingsOnce(BenchReport& report, Progress& progress, bool json) : report_(report), progress_(progress), json_(json) {
    // References to elements are handed out; there are at most as many as (instruction set, threads) pairs in a run.
    report_.ceilings.reserve(64);
  }

  const device::Ceilings& of(Isa isa, int threads) {
    for (const device::Ceilings& known : report_.ceilings) {
      if (known.threads == threads && known.rate(isa)) {
        return known;
      }
    }
    measure::CeilingOptions options;
    options.threads = threads;
    options.isas = {isa};
    options.progress = [this](const std::string& step) {
      stop_if_interrupted();
      progress_.stage(step);
    };
    report_.ceilings.push_back(measure::measure_ceilings(options));
    progress_.clear();
    if (!json_) {
      print_line("measured: " + ceilings_line(report_.ceilings.back()));
    }
    return report_.ceilings.back();
  }

 private:
  BenchReport& report_;
  Progress& progress_;
  bool json_;
};

// Where the champion of a row won; nothing where none applied, or where the row ran nothing.
std::optional<std::string> champion_source(const BenchResult& result, const Engine& engine, const Problem& problem) {
  if (!result.ok) return std::nullopt;
  const Champion* champion = engine.champion(problem);
  return champion == nullptr ? std::nullopt : std::optional(champion->source);
}

void print_result(const BenchResult& result, const std::optional<std::string>& champion, bool first) {
  const Table table = bench_table();
  if (first) {
    print_line(table.header());
  }
  print_line(table.row(bench_cells(result)));
  const std::string remark = bench_remark(result);
  if (!remark.empty()) {
    print_line(remark);
  }
  if (champion) {
    print_line(fmt::format("  {}: config of the champion: {}", result.case_name, *champion));
  }
}

int finish(const BenchReport& report, const catalog::Champions& champions, const std::vector<Json>& applied,
           bool json) {
  if (json) {
    Json object = to_json(report);
    object["champions_from"] = champions.source;
    for (std::size_t i = 0; i < applied.size(); ++i) {
      object["results"][i]["champion"] = applied[i];
    }
    print_line(dump(object));
  }
  if (report.interrupted) {
    throw Interrupted();
  }
  const bool ok = std::all_of(report.results.begin(), report.results.end(), [](const auto& r) { return r.ok; });
  return ok ? 0 : 1;
}

int run_on_gpu(const BenchArguments& arguments, const BenchOptions& options) {
  if (arguments.isa || arguments.threads != 0 || arguments.no_champions) {
    throw UsageError(fmt::format("--isa, --threads and --no-champions are of the CPU; leave them out with --device {}",
                                 to_text(arguments.device)));
  }
  return run_gpu_bench({.ordinal = *arguments.device.gpu,
                        .config = parsed_config(arguments.config, sm90_config_from_text),
                        .options = options,
                        .json = arguments.json});
}

int run_bench(const BenchArguments& arguments) {
  BenchOptions options = arguments.bench;
  options.op = arguments.op.value_or(Op::gated);
  if (arguments.device.gpu) {
    return run_on_gpu(arguments, options);
  }
  options.config = merged_config(arguments);
  const catalog::Catalog catalog = catalog::open_catalog(options.folder, device::read_environment());
  const std::vector<catalog::Case> cases = chosen_cases(catalog, options.cases);
  const catalog::Champions champions = arguments.no_champions ? catalog::Champions{.table = {}, .source = "none"}
                                                              : catalog::open_champions(device::read_environment());
  const Engine engine({.cpu = options.config, .champions = champions.table});

  BenchReport report;
  report.device = device::cpu_info().name;
  report.machine = device::machine_key(device::cpu_info());
  report.cases_from = catalog.source;
  Progress progress;
  CeilingsOnce ceilings(report, progress, arguments.json);
  if (!arguments.json) {
    print_line(fmt::format("{}; {} of {} cases, {}; {} champion{}, {}", report.device, cases.size(),
                           catalog.cases.size(), catalog.source, champions.table.size(),
                           champions.table.size() == 1 ? "" : "s", champions.source));
  }
  std::vector<Json> applied;  // one for each result: where its champion won, or null
  const auto ceilings_of = [&](Isa isa, int threads) -> const device::Ceilings& { return ceilings.of(isa, threads); };
  try {
    for (const catalog::Case& one : cases) {
      stop_if_interrupted();
      report.results.push_back(bench_case(one, options, engine, ceilings_of, progress));
      const auto champion = champion_source(report.results.back(), engine, problem_of(one, options));
      applied.push_back(champion ? Json(*champion) : Json(nullptr));
      if (!arguments.json) {
        print_result(report.results.back(), champion, report.results.size() == 1);
      }
    }
  } catch (const Interrupted&) {
    progress.clear();
    report.interrupted = true;
  }
  return finish(report, champions, applied, arguments.json);
}

}  // namespace

Command add_bench(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("bench");
  const auto arguments = std::make_shared<BenchArguments>();
  BenchOptions& bench = arguments->bench;
  // One value an option: `--case A B` would otherwise take whatever follows for a case.
  app->add_option("--case", bench.cases)->expected(1)->take_all();
  app->add_option("--cases", bench.folder);
  add_op(*app, arguments->op);
  add_any_device(*app, arguments->device);
  add_isa(*app, arguments->isa);
  app->add_option("--config", arguments->config);
  add_threads(*app, arguments->threads);
  add_recipe(*app, bench.recipe);
  add_operand(*app, bench.operand);
  add_output(*app, bench.output);
  add_activation(*app, bench.activation);
  app->add_flag("--bias", bench.bias);
  app->add_option("--seconds", bench.seconds)->check(CLI::Range(0.001, 3600.0));
  app->add_option("--samples", bench.samples)->check(CLI::Range(1, 1000000));
  add_seed(*app, "--seed", bench.seed);
  app->add_flag("--no-champions", arguments->no_champions);
  app->add_flag("--json", arguments->json);
  return {app, [arguments] { return run_bench(*arguments); }};
}

}  // namespace thresher::cli
