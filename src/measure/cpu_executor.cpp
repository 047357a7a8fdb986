// The executor of the CPU: admits, observes, and hands on to the gate and the race.
#include "measure/cpu_executor.hpp"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "measure/cpu_executor_bench.hpp"
#include "measure/cpu_executor_gate.hpp"
#include "measure/cpu_executor_race.hpp"
#include "measure/cpu_executor_side.hpp"
#include "measure/cpu_floors.hpp"
#include "measure/cpu_observables.hpp"
#include "thresher/engine.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

constexpr std::uint64_t kObservedSeed = 1;  // counts do not depend on the data

// What thresher/candidate.h can express.
std::optional<std::string> why_not_for_libraries(const Problem& problem) {
  if (problem.operand != OperandType::nvfp4) return fmt::format("activations of {}", to_string(problem.operand));
  if (problem.output != OutputType::fp16) return fmt::format("{} output", to_string(problem.output));
  if (problem.bias) return "a bias";
  if (problem.op == Op::gated && problem.activation.kind != ActivationKind::silu) {
    return fmt::format("the activation {}", to_string(problem.activation.kind));
  }
  return std::nullopt;
}

std::optional<Failure> admit_library(const Candidate& candidate, std::span<const catalog::Case> cases,
                                     const CpuExecutorOptions& options, std::string& gap) {
  for (const catalog::Case& one : cases) {
    if (const auto why = why_not_for_libraries(one.problem)) {
      return Failure{FailureKind::error, fmt::format("{} has {}, which libraries can't be asked for; race it with "
                                                     "nvfp4 activations, fp16 output, silu and no bias",
                                                     one.name, *why)};
    }
  }
  CandidateSide side(candidate, options);
  std::optional<Failure> failure = side.start();
  gap = side.gap();
  return failure;
}

}  // namespace

CpuExecutor::CpuExecutor(CpuExecutorOptions options)
    : options_(std::move(options)),
      floors_(std::make_shared<Floors>(options_)),
      bench_(std::make_unique<ConfigBench>(options_, *floors_)) {}

CpuExecutor::~CpuExecutor() = default;

const DeviceFacts& CpuExecutor::device() const {
  return floors_->facts();
}

double CpuExecutor::floor_seconds(const catalog::Case& one) const {
  return floors_->seconds(one.problem);
}

std::optional<Failure> CpuExecutor::admit(const Candidate& candidate, std::span<const catalog::Case> cases) {
  try {
    for (const catalog::Case& one : cases)
      validate(one.problem);
    if (candidate.kind == CandidateKind::library) return admit_library(candidate, cases, options_, sandbox_gap_);
    const Engine engine({.cpu = candidate.config, .champions = {}});
    for (const catalog::Case& one : cases)
      (void)engine.resolve(one.problem);
  } catch (const Error& error) {
    return Failure{FailureKind::error, error.what()};
  }
  return std::nullopt;
}

CaseObservables CpuExecutor::observe(const Candidate& candidate, const catalog::Case& one, bool run) {
  CaseObservables facts{.case_name = one.name, .config = candidate.name, .values = {}};
  const double floor = floors_->seconds(one.problem);
  try {
    if (candidate.kind == CandidateKind::config) {
      const CpuConfig config = Engine({.cpu = candidate.config, .champions = {}}).resolve(one.problem);
      facts.config = to_text(config);
      facts.values = compiled_observables(one.problem, config, floors_->facts(), floor);
    }
    if (!run || admit(candidate, {&one, 1})) return facts;
    const SideCall call = call_once(candidate, one.problem);
    if (call.failure) return facts;
    const std::vector<Observable> measured =
        measured_observables(call.report ? &*call.report : nullptr, call.seconds, floor);
    facts.values.insert(facts.values.end(), measured.begin(), measured.end());
  } catch (const Error&) {
    // Facts that can't be had are missing; why a candidate can't run is for admit() and check() to say.
  } catch (const std::bad_alloc&) {
  }
  return facts;
}

SideCall CpuExecutor::call_once(const Candidate& candidate, const Problem& problem) {
  const auto call = [&](CandidateSide& side, BenchedCase& at) {
    Random random(kObservedSeed);
    at.inputs.place(generate_activations(problem, Recipe::normal, kObservedSeed), random);
    SideCall made;
    constexpr int kCalls = 2;  // the first one warms up
    for (int i = 0; i < kCalls && !made.failure; ++i)
      made = side.call(at.slot, 0, at.inputs, at.outputs, options_.prepare_timeout_seconds);
    return made;
  };
  SideCall failed;
  if (candidate.kind == CandidateKind::config) {
    BenchedCase* at = bench_->prepare(candidate, problem, failed.failure);
    return at == nullptr ? failed : call(bench_->side(), *at);
  }
  BenchedCase at{.slot = 0,
                 .weights = WeightSets(problem, Recipe::normal, kObservedSeed, 1),
                 .inputs = Inputs(problem),
                 .outputs = Outputs(problem)};
  CandidateSide side(candidate, options_);
  failed.failure = side.start();
  if (!failed.failure) {
    failed.failure = side.prepare(at.slot, problem, floors_->facts().threads, at.weights, at.inputs, at.outputs);
  }
  return failed.failure ? failed : call(side, at);
}

CheckOutcome CpuExecutor::check(const Candidate& candidate, std::span<const catalog::Case> cases, std::uint64_t seed) {
  return check_on_cpu(candidate, cases, seed, options_, *floors_, *bench_);
}

OpenedRace CpuExecutor::open_race(const RaceRequest& request) {
  return open_cpu_race(request, options_, floors_);
}

}  // namespace thresher::measure
