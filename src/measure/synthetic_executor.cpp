// Makes times up from known effects.
#include <cmath>
#include <functional>
#include <utility>

#include "format/random.hpp"
#include "measure/cpu_observables.hpp"
#include "measure/replay_executor.hpp"
#include "thresher/engine.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

constexpr double kBaseSeconds = 0.1;

double log_effect(const SyntheticCandidate& candidate, const std::string& case_name) {
  const auto found = candidate.case_effects.find(case_name);
  return found == candidate.case_effects.end() ? candidate.log_effect : found->second;
}

class SyntheticRace final : public Race {
 public:
  struct SideOf {
    SyntheticCandidate behaviour;
    std::vector<double> seconds;  // true ones, by case
    int calls = 0;
    bool failed = false;
  };

  using SideFor = std::function<SideOf(const Candidate&)>;

  SyntheticRace(const RaceRequest& request, SideFor side_for, double noise, double drift, std::uint64_t seed)
      : side_for_(std::move(side_for)),
        incumbent_(side_for_(request.incumbent)),
        candidate_(side_for_(request.candidate)),
        noise_(noise),
        drift_(drift),
        random_(seed) {}

  TimedCall run(std::size_t case_index, Side side, std::uint64_t /*content*/) override {
    SideOf& one = side == Side::incumbent ? incumbent_ : candidate_;
    if (case_index >= one.seconds.size()) {
      throw Error(ErrorCode::invalid_argument, "the race has no case " + std::to_string(case_index));
    }
    TimedCall call{.side = side, .seconds = 0.0, .clock_mhz = {}, .failure = {}};
    if (one.behaviour.run && one.calls++ >= one.behaviour.fails_at) {
      call.failure = one.behaviour.run;
      one.failed = true;
      return call;
    }
    const double log_time = noise_ * static_cast<double>(random_.normal()) + drift_ * static_cast<double>(calls_++);
    call.seconds = one.seconds[case_index] * std::exp(log_time);
    return call;
  }

  std::optional<Failure> replace_candidate(const Candidate& candidate) override {
    SideOf next = side_for_(candidate);
    const std::optional<Failure>& refusal = next.behaviour.admit ? next.behaviour.admit : next.behaviour.open;
    if (refusal) return refusal;
    candidate_ = std::move(next);
    return std::nullopt;
  }

  std::optional<Failure> finish(Side side) override {
    const SideOf& one = side == Side::incumbent ? incumbent_ : candidate_;
    return one.failed ? one.behaviour.run : one.behaviour.finish;
  }

 private:
  SideFor side_for_;
  SideOf incumbent_;
  SideOf candidate_;
  double noise_;
  double drift_;
  Random random_;
  int calls_ = 0;
};

}  // namespace

SyntheticExecutor::SyntheticExecutor(SyntheticOptions options) : options_(std::move(options)) {
  device_.kind = "cpu-synthetic";
  device_.name = "synthetic CPU";
  device_.machine = "synthetic-2c";
  device_.threads = 2;
  device_.l1d_bytes = 32 * 1024;
  device_.l2_bytes = 512 * 1024;
  device_.l3_bytes = 32 * 1024 * 1024;
  device_.ceilings = {.machine = device_.machine,
                      .measured_at = "2000-01-01T00:00:00Z",
                      .threads = 2,
                      .read_bytes_per_second = 2e10,
                      .flops_per_second = {{Isa::portable, 1e11}}};
}

const SyntheticCandidate& SyntheticExecutor::of(const Candidate& candidate) const {
  const auto named = options_.candidates.find(candidate.name);
  if (named != options_.candidates.end()) return named->second;
  // Whoever searches makes names up as it goes; its configs are known by their text.
  const auto found = candidate.kind == CandidateKind::config ? options_.candidates.find(to_text(candidate.config))
                                                             : options_.candidates.end();
  return found == options_.candidates.end() ? plain_ : found->second;
}

double SyntheticExecutor::base_seconds(const std::string& case_name) const {
  const auto found = options_.base_seconds.find(case_name);
  return found == options_.base_seconds.end() ? kBaseSeconds : found->second;
}

std::optional<Failure> SyntheticExecutor::admit(const Candidate& candidate, std::span<const catalog::Case> /*cases*/) {
  return of(candidate).admit;
}

CaseObservables SyntheticExecutor::observe(const Candidate& candidate, const catalog::Case& one, bool run) {
  CaseObservables facts{.case_name = one.name, .config = candidate.name, .values = {}};
  if (candidate.kind == CandidateKind::config) {
    try {
      const CpuConfig config = Engine({.cpu = candidate.config, .champions = {}}).resolve(one.problem);
      facts.config = to_text(config);
      facts.values = compiled_observables(one.problem, config, device_, floor_seconds(one));
    } catch (const Error&) {
      // A config that can't run here has no facts.
    }
  }
  for (const Observable& given : of(candidate).observables) {
    const ObservableInfo* info = find_observable(given.name);
    if (!run && info != nullptr && info->source == EvidenceSource::measured) continue;
    std::erase_if(facts.values, [&given](const Observable& value) { return value.name == given.name; });
    facts.values.push_back(given);
  }
  return facts;
}

CheckOutcome SyntheticExecutor::check(const Candidate& candidate, std::span<const catalog::Case> cases,
                                      std::uint64_t /*seed*/) {
  return {.problems = static_cast<int>(cases.size()),
          .elements = 1000,
          .max_rel_err = 1e-4,
          .failure = of(candidate).check};
}

OpenedRace SyntheticExecutor::open_race(const RaceRequest& request) {
  ++races_;
  OpenedRace opened;
  const auto side_of = [this, cases = request.cases](const Candidate& candidate) {
    SyntheticRace::SideOf side{.behaviour = of(candidate), .seconds = {}};
    for (const catalog::Case& one : cases)
      side.seconds.push_back(base_seconds(one.name) * std::exp(-log_effect(side.behaviour, one.name)));
    return side;
  };
  for (const Side side : {Side::incumbent, Side::candidate}) {
    const Candidate& candidate = side == Side::incumbent ? request.incumbent : request.candidate;
    if (!of(candidate).open) continue;
    opened.failure = of(candidate).open;
    opened.failed_side = side;
    return opened;
  }
  opened.race = std::make_unique<SyntheticRace>(request, side_of, options_.noise, options_.drift,
                                                mix64(options_.seed ^ mix64(request.seed)));
  return opened;
}

double SyntheticExecutor::floor_seconds(const catalog::Case& one) const {
  return options_.floor_share * base_seconds(one.name);
}

}  // namespace thresher::measure
