// The loop over seeds, and its report.
#include "cli/gpu_verify.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/gpu_device.hpp"
#include "cli/gpu_problem.hpp"
#include "cli/gpu_random_config.hpp"
#include "cli/interrupt.hpp"
#include "cli/table.hpp"
#include "device/cpu_info.hpp"
#include "gpu/gpu_engine_access.hpp"
#include "gpu/launch.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

// Poisons, starts and waits; the answer is then in `out`.
void run_into(GpuProblem& problem, std::byte poison, const gpu::Stream& stream, const std::function<void()>& start,
              const OutputBuffer& out) {
  problem.poison(poison, stream);
  start();
  stream.synchronize();
  problem.download(out);
}

}  // namespace

GpuVerifier::GpuVerifier(int ordinal) : ordinal_(ordinal) {
  engines_.emplace_back(Sm90Config{}, open_gpu(ordinal, {}));
  context_ = gpu::context_of(*engines_.front().second);
}

const GpuEngine& GpuVerifier::engine(const Sm90Config& config) {
  const auto known = std::ranges::find(engines_, config, &decltype(engines_)::value_type::first);
  if (known != engines_.end()) return *known->second;
  return *engines_.emplace_back(config, open_gpu(ordinal_, config)).second;
}

std::string GpuVerifier::verify_one(const VerifyCase& one, const Sm90Config& config, VerifyTotals& totals) {
  const gpu::Stream stream(context_);
  GpuProblem problem(engine(config), one.data);
  problem.pack_all(one.data);
  const OutputBuffer out(one.data.problem, one.data.out_global_scale);
  const OutputBuffer again(one.data.problem, one.data.out_global_scale);
  const OutputBuffer replayed(one.data.problem, one.data.out_global_scale);
  const auto start = [&] { problem.run(stream); };

  run_into(problem, kPoisons[0], stream, start, out);
  bool fences_intact = problem.fences_intact();
  run_into(problem, kPoisons[1], stream, start, again);
  fences_intact = fences_intact && problem.fences_intact();
  const gpu::Graph graph(context_, stream.get(), start);
  run_into(
      problem, kPoisons[0], stream, [&] { graph.launch(stream.get()); }, replayed);
  fences_intact = fences_intact && problem.fences_intact();

  std::string error = judge_output(one, out, totals);
  if (error.empty() && !fences_intact) error = "wrote outside the result or the workspace";
  if (error.empty() && !out.same_bytes(again)) {
    error = "the bits differ between two calls, or an element was never written";
  }
  if (error.empty() && !out.same_bytes(replayed)) error = "the bits differ between a call and its replay from a graph";
  return error;
}

std::string GpuVerifier::why_broken() const {
  try {
    context_->synchronize();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::vector<std::string> GpuVerifier::warnings() const {
  std::vector<std::string> all;
  for (const auto& [config, engine] : engines_) {
    for (const std::string& warning : engine->warnings()) {
      if (std::ranges::find(all, warning) == all.end()) all.push_back(warning);
    }
  }
  return all;
}

GpuVerifyReport gpu_verify_seeds(std::uint64_t first, std::int64_t count, int ordinal, Progress& progress) {
  GpuVerifier verifier(ordinal);
  GpuVerifyReport report;
  report.name = name_of(verifier.gpu());
  report.device = fmt::format("cuda:{}", ordinal);
  progress.stage(fmt::format("verifying {} seeds on {}; most of the time goes into compiling", count, report.device));
  for (std::int64_t i = 0; i < count && !interrupted() && report.stopped.empty(); ++i) {
    progress.update(i, count);
    const VerifyCase one = make_verify_case(first + static_cast<std::uint64_t>(i));
    const Sm90Config config = random_gpu_config(one.seed);
    std::string error;
    try {
      error = verifier.verify_one(one, config, report.totals);
    } catch (const std::exception& refusal) {
      error = refusal.what();
      report.stopped = verifier.why_broken();
    }
    ++report.totals.seeds;
    if (error.empty()) continue;
    ++report.totals.failures;
    report.failures.push_back({.seed = one.seed,
                               .problem = to_text(one.random),
                               .config = to_text(config),
                               .error = error,
                               .device = report.device});
  }
  report.interrupted = interrupted();
  report.warnings = verifier.warnings();
  progress.clear();
  return report;
}

std::string to_text(const GpuVerifyReport& report) {
  const VerifyTotals& totals = report.totals;
  std::string text =
      report.name + "\n" +
      Table::fitted(
          {{"device", 0, Align::left}, {"seeds"}, {"elements"}, {"max rel err"}, {"error / tolerance"}, {"failures"}},
          {{report.device, fmt::format("{}", totals.seeds), fmt::format("{}", totals.elements),
            fmt::format("{:.1e}", totals.max_rel_err), fmt::format("{:.3f}", totals.worst_ratio),
            fmt::format("{}", totals.failures)}});
  for (const VerifyFailure& failure : report.failures) {
    text += fmt::format("seed {} on {}: {}\n  problem: {}\n  config: {}\n  again: {}\n", failure.seed, failure.device,
                        failure.error, failure.problem, failure.config, reproduce_command(failure));
  }
  for (const std::string& warning : report.warnings)
    text += fmt::format("remark: {}\n", warning);
  if (!report.stopped.empty()) {
    text += fmt::format("the seeds after it did not run, the GPU's context is lost: {}\n", report.stopped);
  }
  return text;
}

Json to_json(const GpuVerifyReport& report) {
  const VerifyTotals& totals = report.totals;
  Json failures = Json::array();
  for (const VerifyFailure& failure : report.failures) {
    failures.push_back({{"device", failure.device},
                        {"seed", failure.seed},
                        {"problem", failure.problem},
                        {"config", failure.config},
                        {"error", failure.error},
                        {"reproduce", reproduce_command(failure)}});
  }
  return {{"device", report.name},
          {"machine", device::machine_key(device::cpu_info())},
          {"devices", Json::array({{{"device", report.device},
                                    {"seeds", totals.seeds},
                                    {"elements", totals.elements},
                                    {"failures", totals.failures},
                                    {"max_rel_err", totals.max_rel_err},
                                    {"worst_ratio", totals.worst_ratio}}})},
          {"failures", failures},
          {"warnings", report.warnings},
          {"stopped", report.stopped.empty() ? Json(nullptr) : Json(report.stopped)},
          {"ok", report.ok()},
          {"interrupted", report.interrupted}};
}

}  // namespace thresher::cli
