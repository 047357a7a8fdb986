// One case of bench, from its problem to its row.
#include "cli/bench_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/bench_data.hpp"
#include "cli/interrupt.hpp"
#include "cli/verify_then_time.hpp"
#include "device/floor.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Every set once per poison, so that an element that is never written differs between the two.
AnswerReport check_first(BenchData& data, const AnswerCheck& check, double& call_seconds) {
  AnswerReport worst;
  for (const std::byte poison : kPoisons) {
    data.poison(poison);
    for (int set = 0; set < data.rotation().sets; ++set) {
      stop_if_interrupted();
      const Clock::time_point start = Clock::now();
      data.run(set);
      call_seconds = seconds_since(start);
    }
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

measure::SamplerOptions sampler_options(const BenchOptions& options, const BenchData& data, double call_seconds,
                                        Progress& progress) {
  measure::SamplerOptions sampler;
  sampler.sets = data.rotation().sets;
  sampler.max_seconds = options.seconds;
  sampler.max_samples = options.samples;
  sampler.min_samples = std::min(sampler.min_samples, options.samples);
  // The checks ran every set already; where calls are slow, warming up once more would eat the time for samples.
  sampler.warm_up = call_seconds > options.seconds / 10 ? 0 : sampler.warm_up;
  sampler.progress = [&progress, seconds = options.seconds](const measure::SamplerProgress& now) {
    progress.update(static_cast<std::int64_t>(now.elapsed_seconds * 1e3), static_cast<std::int64_t>(seconds * 1e3));
  };
  return sampler;
}

void measure_case(const Problem& problem, const BenchOptions& options, const Engine& engine,
                  const CeilingsOf& ceilings_of, Progress& progress, BenchResult& result) {
  progress.stage(fmt::format("{}: packing", result.case_name));
  BenchData data(problem, options.recipe, options.seed, engine, progress);
  result.sets = data.rotation().sets;
  result.set_bytes = data.set_bytes();
  result.beyond_cache = data.rotation().beyond_cache;

  progress.stage(fmt::format("{}: reference", result.case_name));
  const AnswerCheck check(data.inputs(), weights_of(problem, options, progress), options.seed);
  const device::Ceilings* ceilings = nullptr;
  double call_seconds = 0.0;
  const Candidate candidate{
      .check_first =
          [&] {
            progress.stage(fmt::format("{}: checking", result.case_name));
            return check_first(data, check, call_seconds);
          },
      .time =
          [&] {
            result.isa = data.last_call().isa;
            result.config = data.last_call().config;
            ceilings = &ceilings_of(result.isa, result.config.threads);
            progress.stage(fmt::format("{}: timing", result.case_name));
            data.poison(kPoisons[0]);
            return measure::sample(
                [&data](int set) {
                  stop_if_interrupted();
                  data.run(set);
                },
                sampler_options(options, data, call_seconds, progress));
          },
      .check_timed = [&] { return data.judge(check); },
  };
  const TimedAnswer timed = verify_then_time(candidate);
  result.isa = data.last_call().isa;
  result.config = data.last_call().config;
  result.max_rel_err = timed.answer.max_rel_err;
  result.error = timed.answer.error;
  result.ok = timed.samples.has_value();
  if (timed.samples) {
    result.times = summarise(problem, *timed.samples, *ceilings, result.isa);
  }
}

}  // namespace

reference::WeightsOf weights_of(const Problem& problem, const BenchOptions& options, Progress& progress) {
  return [&problem, &options, &progress](std::int64_t group, int which) {
    stop_if_interrupted();
    progress.update(group, problem.groups());
    return generate_weights(problem, options.recipe, options.seed, group, which);
  };
}

std::vector<catalog::Case> chosen_cases(const catalog::Catalog& catalog, const std::vector<std::string>& names) {
  if (names.empty()) {
    return catalog.cases;
  }
  std::vector<catalog::Case> chosen;
  for (const std::string& name : names) {
    chosen.push_back(catalog::find_case(catalog.cases, name));
  }
  return chosen;
}

Problem problem_of(const catalog::Case& one, const BenchOptions& options) {
  Problem problem = one.problem;
  problem.op = options.op;
  problem.operand = options.operand;
  problem.output = options.output;
  problem.activation.kind = options.activation;
  problem.bias = options.bias;
  return problem;
}

BenchResult bench_case(const catalog::Case& one, const BenchOptions& options, const Engine& engine,
                       const CeilingsOf& ceilings_of, Progress& progress) {
  const catalog::Case with_op = one.with_op(options.op);
  BenchResult result;
  result.case_name = one.name;
  result.op = options.op;
  result.target_us = with_op.target_us;
  result.target_source = with_op.target_source;
  try {
    const Problem problem = problem_of(one, options);
    result.config = engine.resolve(problem);
    result.isa = result.config.isa;
    measure_case(problem, options, engine, ceilings_of, progress, result);
  } catch (const Error& error) {
    result.ok = false;
    result.error = error.what();
  } catch (const std::bad_alloc&) {
    result.ok = false;
    result.error = "out of memory while making the data; end other programs or leave this case out";
  }
  progress.clear();
  return result;
}

BenchTimes summarise(const Problem& problem, const measure::Samples& samples, const device::Ceilings& ceilings,
                     Isa isa) {
  const std::optional<double> rate = ceilings.rate(isa);
  if (!rate) {
    throw Error(ErrorCode::internal, fmt::format("{} was timed without its rate", to_string(isa)));
  }
  return summarise(samples, device::floor(problem, ceilings.read_bytes_per_second, *rate));
}

BenchTimes summarise(const measure::Samples& samples, const device::Floor& floor) {
  const std::optional<double> median = samples.median();
  if (!median) {
    throw Error(ErrorCode::internal, "a case was timed without samples");
  }
  const std::optional<measure::Interval> interval = samples.interval();
  BenchTimes times;
  times.median_us = *median * 1e6;
  if (interval) {
    times.low_us = interval->low * 1e6;
    times.high_us = interval->high * 1e6;
  }
  times.samples = static_cast<int>(samples.seconds.size());
  times.floor_us = floor.seconds() * 1e6;
  times.memory_bound = floor.memory_bound();
  times.floor_fraction = floor.seconds() / *median;
  times.rate_fraction = floor.compute_seconds / *median;
  times.bandwidth_fraction = floor.memory_seconds / *median;
  times.tflops = floor.flops / *median * 1e-12;
  times.gbytes_per_s = floor.bytes / *median * 1e-9;
  return times;
}

}  // namespace thresher::cli
