// Thresher against oneDNN in one run: the same problem, threads and moment, taking turns; the ratio is what counts.
#include <fmt/format.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "catalog/cases.hpp"
#include "contest_sides.hpp"
#include "device/cpu_info.hpp"
#include "device/environment.hpp"
#include "measure/statistics.hpp"
#include "thresher/error.hpp"

namespace thresher::peers {
namespace {

// Below 6 pairs there is no interval of the median at 95 %.
constexpr int kLeastPairs = 6;
constexpr int kTrialRuns = 2;

struct Options {
  std::vector<std::string> cases{"g8-k7168", "g8-k2048", "g2-k4096", "g2-k1536", "decode-g8-m4", "decode-g32"};
  double seconds = 10.0;
  int threads = omp_get_max_threads();
  std::string isa = "automatic";
  std::string operand = "nvfp4";
  std::string type = "auto";
  std::string variant = "fastest";
  bool json = false;
};

struct Outcome {
  std::string name;
  Variant variant = Variant::separate_bf16;
  std::string implementation;
  std::string isa;
  int onednn_sets = 0;
  int thresher_sets = 0;
  double onednn_error = 0.0;
  double thresher_error = 0.0;
  std::vector<double> onednn_seconds;
  std::vector<double> thresher_seconds;
  std::vector<double> ratios;  // of the pairs: oneDNN / Thresher
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A wrong answer is not timed.
reference::Comparison verified(OnednnSide& side) {
  side.poison();
  side.run(0);
  const reference::Comparison comparison = side.check();
  if (!side.acceptable(comparison)) {
    throw Error(ErrorCode::internal, fmt::format("oneDNN's answer is wrong (error {:.4f}): {}", comparison.max_rel_err,
                                                 comparison.first_failure));
  }
  return comparison;
}

reference::Comparison verified(ThresherSide& side) {
  side.poison();
  side.run(0);
  const reference::Comparison comparison = side.check();
  if (!comparison.ok()) {
    throw Error(ErrorCode::internal, "Thresher's answer is wrong: " + comparison.first_failure);
  }
  return comparison;
}

bool fits(Variant variant, PeerType type) {
  return type == PeerType::bf16 || (variant != Variant::separate_bf16 && variant != Variant::joined_bf16);
}

// The best of a few runs, or nothing where oneDNN has no such primitive on this CPU.
std::optional<double> trial_seconds(const dnnl::engine& engine, const Contest& contest, Variant variant,
                                    PeerType type) try {
  OnednnSide side(engine, contest, variant, type, 1);
  verified(side);
  double seconds = std::numeric_limits<double>::infinity();
  for (int run = 0; run < kTrialRuns; ++run)
    seconds = std::min(seconds, seconds_of([&] { side.run(0); }));
  fmt::print(stderr, "  trial {:<14} {:>12.1f} us  {}\n", to_string(variant), seconds * 1e6, side.implementation());
  return seconds;
} catch (const dnnl::error& error) {
  fmt::print(stderr, "  trial {:<14} {:>12}     {}\n", to_string(variant), "none", error.what());
  return std::nullopt;
}

// oneDNN is measured at its best: every way to put the op together is tried on this very problem.
Variant fastest_variant(const dnnl::engine& engine, const Contest& contest, PeerType type) {
  std::optional<Variant> best;
  double best_seconds = std::numeric_limits<double>::infinity();
  for (const Variant variant : kVariants) {
    if (!fits(variant, type)) continue;
    const std::optional<double> seconds = trial_seconds(engine, contest, variant, type);
    if (seconds && *seconds < best_seconds) {
      best = variant;
      best_seconds = *seconds;
    }
  }
  if (!best) throw Error(ErrorCode::unsupported, "oneDNN has none of the variants here; try --type fp32");
  return best.value();
}

Outcome compete(const dnnl::engine& engine, const catalog::Case& one, const Options& options, PeerType type) {
  Problem problem = one.problem;
  problem.op = Op::gated;
  problem.operand = parse_operand_type(options.operand).value();
  problem.output = OutputType::fp16;
  problem.bias = false;
  const Contest contest(problem);

  const auto forced = parse_variant(options.variant);
  const Variant variant = forced ? *forced : fastest_variant(engine, contest, type);
  OnednnSide onednn(engine, contest, variant, type, 0);
  ThresherSide thresher(contest, {.isa = parse_isa(options.isa).value(), .threads = options.threads});
  Outcome outcome{.name = one.name,
                  .variant = variant,
                  .implementation = onednn.implementation(),
                  .isa = {},
                  .onednn_sets = onednn.sets(),
                  .thresher_sets = thresher.sets(),
                  .onednn_error = verified(onednn).max_rel_err,
                  .thresher_error = verified(thresher).max_rel_err,
                  .onednn_seconds = {},
                  .thresher_seconds = {},
                  .ratios = {}};
  outcome.isa = to_string(thresher.report().isa);

  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  for (int pair = 0; pair < kLeastPairs || elapsed() < options.seconds; ++pair) {
    // ABBA: a drift of the machine meets both sides alike.
    double times[2] = {};
    for (int turn = 0; turn < 2; ++turn) {
      const int side = (turn + pair) % 2;
      times[side] = side == 0 ? seconds_of([&] { onednn.run((pair + 1) % onednn.sets()); })
                              : seconds_of([&] { thresher.run((pair + 1) % thresher.sets()); });
    }
    outcome.onednn_seconds.push_back(times[0]);
    outcome.thresher_seconds.push_back(times[1]);
    outcome.ratios.push_back(times[0] / times[1]);
  }
  return outcome;
}

nlohmann::json interval_json(const std::vector<double>& values, double unit) {
  const auto interval = measure::median_interval(values).value();
  return {
      {"median", measure::median(values).value() * unit}, {"low", interval.low * unit}, {"high", interval.high * unit}};
}

nlohmann::json to_json(const Outcome& outcome) {
  return {{"case", outcome.name},
          {"onednn_us", interval_json(outcome.onednn_seconds, 1e6)},
          {"thresher_us", interval_json(outcome.thresher_seconds, 1e6)},
          {"ratio", interval_json(outcome.ratios, 1.0)},
          {"pairs", outcome.ratios.size()},
          {"onednn_variant", to_string(outcome.variant)},
          {"onednn_implementation", outcome.implementation},
          {"onednn_sets", outcome.onednn_sets},
          {"onednn_max_rel_err", outcome.onednn_error},
          {"thresher_isa", outcome.isa},
          {"thresher_sets", outcome.thresher_sets},
          {"thresher_max_rel_err", outcome.thresher_error}};
}

void print_row(const Outcome& outcome) {
  const auto interval = measure::median_interval(outcome.ratios).value();
  fmt::print("{:<14} {:>12.1f} {:>12.1f} {:>7.2f}  {:>5.2f} .. {:<5.2f} {:>6}  {:<14} {:<9} {}\n", outcome.name,
             measure::median(outcome.onednn_seconds).value() * 1e6,
             measure::median(outcome.thresher_seconds).value() * 1e6, measure::median(outcome.ratios).value(),
             interval.low, interval.high, outcome.ratios.size(), to_string(outcome.variant), outcome.isa,
             outcome.implementation);
}

PeerType chosen_type(const std::string& text, const dnnl::engine& engine) {
  if (text == "bf16" && !has_fast_bf16(engine)) {
    throw Error(ErrorCode::unsupported, "--type bf16: oneDNN has no fast bf16 product on this CPU; use fp32 or auto");
  }
  if (text == "bf16") return PeerType::bf16;
  if (text == "fp32") return PeerType::fp32;
  return has_fast_bf16(engine) ? PeerType::bf16 : PeerType::fp32;
}

void parse_arguments(CLI::App& app, Options& options) {
  app.add_option("--case", options.cases, "cases to run, gated");
  app.add_option("--seconds", options.seconds, "of taking turns, per case")->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "of both sides")->check(CLI::PositiveNumber);
  app.add_option("--isa", options.isa, "of Thresher")
      ->check(CLI::IsMember({"automatic", "amx", "avx512", "avx2", "portable"}));
  app.add_option("--operand", options.operand, "activations of Thresher; oneDNN's are converted beforehand")
      ->check(CLI::IsMember({"nvfp4", "bf16"}));
  app.add_option("--type", options.type, "of oneDNN's weights")->check(CLI::IsMember({"auto", "bf16", "fp32"}));
  app.add_option("--variant", options.variant, "of oneDNN's op; 'fastest' tries all on each case")
      ->check([](const std::string& text) {
        return text == "fastest" || parse_variant(text) ? std::string() : "there is no variant " + text;
      });
  app.add_flag("--json", options.json, "print one JSON object instead of the table");
}

void run(const Options& options) {
  omp_set_num_threads(options.threads);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const PeerType type = chosen_type(options.type, engine);
  const dnnl_version_t* version = dnnl_version();
  const std::string peer =
      fmt::format("oneDNN {}.{}.{} {}", version->major, version->minor, version->patch, to_string(type));
  const catalog::Catalog catalog = catalog::open_catalog(std::nullopt, device::read_environment());
  nlohmann::json results = nlohmann::json::array();
  if (!options.json) {
    fmt::print("{}, {} threads; {} against Thresher ({} activations), gated, fp16 out, medians of pairs\n",
               device::cpu_info().name, options.threads, peer, options.operand);
    fmt::print("{:<14} {:>12} {:>12} {:>7}  {:>14} {:>6}  {:<14} {:<9} {}\n", "case", "oneDNN us", "Thresher us",
               "ratio", "95 % interval", "pairs", "variant", "isa", "implementation");
  }
  for (const std::string& name : options.cases) {
    fmt::print(stderr, "{}: {}\n", name, peer);
    const Outcome outcome = compete(engine, catalog::find_case(catalog.cases, name), options, type);
    results.push_back(to_json(outcome));
    if (!options.json) print_row(outcome);
    std::fflush(stdout);
  }
  if (options.json) {
    const nlohmann::json report{{"device", device::cpu_info().name},
                                {"threads", options.threads},
                                {"peer", peer},
                                {"operand", options.operand},
                                {"op", "gated"},
                                {"results", results}};
    fmt::print("{}\n", report.dump(2));
  }
}

}  // namespace
}  // namespace thresher::peers

int main(int argc, char** argv) {
  CLI::App app("Thresher against oneDNN, taking turns on the same problems");
  thresher::peers::Options options;
  thresher::peers::parse_arguments(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    thresher::peers::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "onednn_peer: {}\n", error.what());
    return 1;
  }
  return 0;
}
