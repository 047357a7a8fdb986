// One case of bench on a GPU, from its problem to its row.
#include "cli/gpu_bench_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <new>

#include "cli/bench_case.hpp"
#include "cli/gpu_bench_data.hpp"
#include "cli/gpu_timing.hpp"
#include "cli/interrupt.hpp"
#include "cli/verify_then_time.hpp"
#include "gpu/gpu_engine_access.hpp"
#include "gpu/sm90_config.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

// Every set once per poison, so that an element that is never written differs between the two.
AnswerReport check_first(GpuBenchData& data, const AnswerCheck& check, const gpu::Stream& stream) {
  AnswerReport worst;
  for (const std::byte poison : kPoisons) {
    stop_if_interrupted();
    data.poison(poison, stream);
    for (int set = 0; set < data.rotation().sets; ++set)
      data.run(set, stream);
    stream.synchronize();
    const AnswerReport report = data.judge(check);
    worst.checked += report.checked;
    worst.max_rel_err = std::max(worst.max_rel_err, report.max_rel_err);
    if (!report.ok()) {
      worst.error = report.error;
      break;
    }
  }
  return worst;
}

GpuTimes time_case(GpuBenchData& data, const BenchOptions& options, const gpu::ContextRef& context,
                   const gpu::Stream& stream, Progress& progress) {
  data.poison(kPoisons[0], stream);
  const GpuTimingOptions timing{.sets = data.rotation().sets,
                                .max_seconds = options.seconds,
                                .max_samples = options.samples,
                                .progress = [&progress, seconds = options.seconds](double elapsed) {
                                  stop_if_interrupted();
                                  progress.update(static_cast<std::int64_t>(elapsed * 1e3),
                                                  static_cast<std::int64_t>(seconds * 1e3));
                                }};
  GpuTimes times = time_calls(
      context, stream, [&](int set) { data.run(set, stream); }, timing);
  stream.synchronize();
  return times;
}

void measure_case(const Problem& problem, const BenchOptions& options, const GpuEngine& engine,
                  const GpuCeilingsOf& ceilings_of, Progress& progress, GpuBenchResult& result) {
  BenchResult& common = result.common;
  progress.stage(fmt::format("{}: compiling", common.case_name));
  engine.prepare(problem);
  // Before the data takes its memory, and so that no case's heat is in it but that of those before.
  const measure::GpuCeilings& ceilings = ceilings_of();
  progress.stage(fmt::format("{}: packing", common.case_name));
  const gpu::ContextRef context = gpu::context_of(engine);
  const gpu::Stream stream(context);
  GpuBenchData data(problem, options.recipe, options.seed, engine, progress);
  common.sets = data.rotation().sets;
  common.set_bytes = data.set_bytes();
  common.beyond_cache = data.rotation().beyond_cache;
  progress.stage(fmt::format("{}: reference", common.case_name));
  const AnswerCheck check(data.inputs(), weights_of(problem, options, progress), options.seed);
  GpuTimes times;
  const Candidate candidate{
      .check_first =
          [&] {
            progress.stage(fmt::format("{}: checking", common.case_name));
            return check_first(data, check, stream);
          },
      .time =
          [&] {
            progress.stage(fmt::format("{}: timing", common.case_name));
            times = time_case(data, options, context, stream, progress);
            return times.samples;
          },
      .check_timed = [&] { return data.judge(check); },
  };
  const TimedAnswer timed = verify_then_time(candidate);
  common.max_rel_err = timed.answer.max_rel_err;
  common.error = timed.answer.error;
  common.ok = timed.samples.has_value();
  if (!timed.samples) return;
  common.times = summarise(problem, *timed.samples, ceilings);
  result.rate_known = ceilings.matrix_flops_per_second.has_value();
  result.host_us = times.host_seconds * 1e6;
  result.calls_per_replay = times.calls_per_replay;
}

Sm90Config resolved(const Sm90Config& asked, const Problem& problem) {
  const gpu::Sm90Traits traits{.op = problem.op,
                               .operand = problem.operand,
                               .output = problem.output,
                               .activation = problem.op == Op::gated ? problem.activation.kind : ActivationKind::silu,
                               .bias = problem.bias,
                               .groups = problem.groups()};
  return gpu::resolve(asked, traits, {.rows = problem.total_m(), .n = problem.n});
}

}  // namespace

GpuBenchResult gpu_bench_case(const catalog::Case& one, const BenchOptions& options, const Sm90Config& asked,
                              const GpuEngine& engine, const GpuCeilingsOf& ceilings_of, Progress& progress) {
  const catalog::Case with_op = one.with_op(options.op);
  GpuBenchResult result;
  BenchResult& common = result.common;
  common.case_name = one.name;
  common.op = options.op;
  common.target_us = with_op.target_us;
  common.target_source = with_op.target_source;
  result.kernel = fmt::format("sm90_{}", to_string(options.op));
  try {
    const Problem problem = problem_of(one, options);
    result.config = resolved(asked, problem);
    measure_case(problem, options, engine, ceilings_of, progress, result);
  } catch (const Error& error) {
    common.ok = false;
    common.error = error.what();
  } catch (const std::bad_alloc&) {
    common.ok = false;
    common.error = "out of host memory while making the data; end other programs or leave this case out";
  }
  progress.clear();
  return result;
}

BenchTimes summarise(const Problem& problem, const measure::Samples& samples, const measure::GpuCeilings& ceilings) {
  // A rate without end makes computing free, which leaves the floor to memory.
  const double rate = ceilings.matrix_flops_per_second.value_or(std::numeric_limits<double>::max());
  return summarise(samples, device::floor(problem, ceilings.copy_bytes_per_second, rate));
}

}  // namespace thresher::cli
