// The loop over seeds and instruction sets.
#include "cli/verify_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/interrupt.hpp"
#include "device/cpu_info.hpp"
#include "reference/compare.hpp"
#include "thresher/engine.hpp"

namespace thresher::cli {
namespace {

PackedWeights pack_all(const ProblemData& data) {
  const Problem& problem = data.problem;
  PackedWeights weights({.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k});
  for (std::size_t group = 0; group < data.gate.size(); ++group) {
    if (problem.op == Op::gated) {
      weights.pack(static_cast<std::int64_t>(group), data.gate[group].view(), data.up[group].view());
    } else {
      weights.pack(static_cast<std::int64_t>(group), data.gate[group].view());
    }
  }
  return weights;
}

Isa call(const ProblemData& data, const PackedWeights& weights, const CpuConfig& config, const OutputBuffer& out) {
  const Engine engine({.cpu = config});
  const AlignedBytes workspace(engine.workspace_bytes(weights, data.problem.total_m()));
  CallReport report;
  const GroupedGemmArgs args{.a = data.a(),
                             .offsets = data.offsets,
                             .out = out.view(),
                             .bias = data.bias,
                             .bias_up = data.bias_up,
                             .activation = data.problem.activation,
                             .workspace = workspace.span(),
                             .report = &report};
  if (data.problem.op == Op::gated) {
    engine.grouped_gated_gemm(weights, args);
  } else {
    engine.grouped_gemm(weights, args);
  }
  return report.isa;
}

// Another number of threads that the knobs allow: specialised threads come in pairs, so one is not enough there, and
// three also test the one that is left without a partner.
int other_threads(const CpuConfig& config, int max_threads) {
  if (config.roles == Roles::specialised) {
    return config.threads == 2 ? 3 : 2;
  }
  return config.threads == 1 ? max_threads : 1;
}

}  // namespace

std::string reproduce_command(const VerifyFailure& failure) {
  if (failure.device != "cpu") {
    return fmt::format("thresher verify --device {} --seed {} --seeds 1", failure.device, failure.seed);
  }
  return fmt::format("thresher verify --isa {} --seed {} --seeds 1", to_string(failure.isa), failure.seed);
}

VerifyCase make_verify_case(std::uint64_t seed) {
  VerifyCase one{.seed = seed, .random = random_problem(seed), .data = {}, .truth = {}};
  one.data = generate(one.random.problem, one.random.recipe, one.random.data_seed);
  one.truth = reference::compute(one.data);
  return one;
}

std::string judge_output(const VerifyCase& one, const OutputBuffer& out, VerifyTotals& totals) {
  const reference::Comparison comparison = reference::compare(one.truth, one.data, out.view());
  totals.elements += comparison.checked;
  if (one.random.problem.output != OutputType::nvfp4) {
    totals.max_rel_err = std::max(totals.max_rel_err, comparison.max_rel_err);
    totals.worst_ratio = std::max(totals.worst_ratio, comparison.worst_ratio);
  }
  if (!comparison.ok()) {
    return fmt::format("{} of {} elements are wrong, first: {}", comparison.failures, comparison.checked,
                       comparison.first_failure);
  }
  if (one.random.recipe == Recipe::integers && one.random.problem.op == Op::plain) {
    const reference::Comparison exact = reference::compare_bitwise_integers(one.truth, one.data, out.view());
    if (!exact.ok()) {
      return fmt::format("{} of {} elements are not exact, first: {}", exact.failures, exact.checked,
                         exact.first_failure);
    }
  }
  return {};
}

std::string verify_one(const VerifyCase& one, const CpuConfig& config, int max_threads, VerifyTotals& totals) {
  const PackedWeights weights = pack_all(one.data);
  OutputBuffer out(one.data.problem, one.data.out_global_scale);
  OutputBuffer again(one.data.problem, one.data.out_global_scale);
  out.poison(kPoisons[0]);
  again.poison(kPoisons[1]);
  CpuConfig other = config;
  other.threads = other_threads(config, max_threads);
  const Isa ran = call(one.data, weights, config, out);
  (void)call(one.data, weights, other, again);

  if (ran != config.isa) {
    return fmt::format("{} was asked for but {} ran", to_string(config.isa), to_string(ran));
  }
  std::string error = judge_output(one, out, totals);
  if (error.empty() && !(out.fences_intact() && again.fences_intact())) {
    error = "wrote outside the result";
  }
  if (error.empty() && !out.same_bytes(again)) {
    error = fmt::format("the bits differ between {} and {} threads, or an element was never written", config.threads,
                        other.threads);
  }
  return error;
}

VerifyReport verify_seeds(std::uint64_t first, std::int64_t count, std::span<const Isa> isas, Progress& progress) {
  const int max_threads = device::cpu_info().cores;
  VerifyReport report;
  for (const Isa isa : isas) {
    report.totals[isa] = {};
  }
  progress.stage(fmt::format("verifying {} seeds", count));
  for (std::int64_t i = 0; i < count && !interrupted(); ++i) {
    progress.update(i, count);
    const VerifyCase one = make_verify_case(first + static_cast<std::uint64_t>(i));
    for (const Isa isa : isas) {
      VerifyTotals& totals = report.totals[isa];
      CpuConfig config{.isa = isa};
      std::string error;
      try {
        config = random_config(one.seed, isa, one.random.problem, max_threads);
        error = verify_one(one, config, max_threads, totals);
      } catch (const std::exception& refusal) {
        error = refusal.what();
      }
      ++totals.seeds;
      if (!error.empty()) {
        ++totals.failures;
        report.failures.push_back(
            {.isa = isa, .seed = one.seed, .problem = to_text(one.random), .config = to_text(config), .error = error});
      }
    }
  }
  report.interrupted = interrupted();
  progress.clear();
  return report;
}

}  // namespace thresher::cli
