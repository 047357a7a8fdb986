// Two sides, their data, and every call between them.
#include "measure/cpu_executor_race.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <new>
#include <utility>
#include <vector>

#include "device/floor.hpp"
#include "device/memory.hpp"
#include "measure/cpu_executor_side.hpp"
#include "measure/rotation.hpp"
#include "measure/statistics.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

constexpr std::size_t kSides = 2;
// The first call of a side may have to wait for pages, clocks and what a library puts off until then.
constexpr double kFirstCallTimeout = 120.0;
constexpr double kTimeoutFactor = 30.0;
// A first call that took this much longer than later ones did work there that its prepare should have done; or it slept
// to be the slower one while it believed to be looked at.
constexpr double kWarmUpFactor = 10.0;
constexpr double kWarmUpSeconds = 1.0;

// Problems so small that this is not twice the cache live in a cache in use, too; preparing thousands of sets takes
// long, and a library may keep threads for each.
constexpr int kMostSets = 32;

constexpr std::size_t index(Side side) {
  return side == Side::incumbent ? 0 : 1;
}
constexpr Side other(Side side) {
  return side == Side::incumbent ? Side::candidate : Side::incumbent;
}

// What a side has of one case.
struct CaseOfSide {
  const WeightSets* weights = nullptr;
  std::unique_ptr<Outputs> outputs;
  double warm_up_seconds = 0.0;  // without what it waited for a core
  bool warm = false;
  std::vector<double> seconds;
};

struct RaceCase {
  catalog::Case one;
  std::vector<std::unique_ptr<WeightSets>> weights;  // a second one where both sides read the raw bytes
  Inputs inputs;
  std::array<CaseOfSide, kSides> sides;
  std::map<std::uint64_t, int> set_of;  // by content
  std::optional<std::uint64_t> placed;  // the content that the inputs hold
  std::optional<Side> kept_side;        // whose output of the placed content is kept
  std::vector<std::byte> kept;

  explicit RaceCase(const catalog::Case& raced) : one(raced), inputs(raced.problem) {}
};

class CpuRace final : public Race {
 public:
  CpuRace(const RaceRequest& request, const CpuExecutorOptions& options, std::shared_ptr<Floors> floors)
      : options_(options),
        floors_(std::move(floors)),
        seed_(request.seed),
        random_(mix64(request.seed)),
        sides_{CandidateSide(request.incumbent, options_), CandidateSide(request.candidate, options_)} {}

  /// The side that can't, and why.
  std::optional<std::pair<Side, Failure>> open(const RaceRequest& request);

  TimedCall run(std::size_t case_index, Side side, std::uint64_t content) override;
  std::optional<Failure> replace_candidate(const Candidate& candidate) override;
  std::optional<Failure> finish(Side side) override;

 private:
  void make_case(const catalog::Case& one, std::size_t cases);
  TimedCall measure(std::size_t case_index, Side side, std::uint64_t content, double timeout_seconds);
  void place(std::size_t case_index, std::uint64_t content);
  std::optional<Failure> judge(RaceCase& at, Side side);
  std::optional<Failure> compare_sides(RaceCase& at, Side side);
  [[nodiscard]] bool same_bits_expected() const;
  [[nodiscard]] std::optional<Failure> slept_in_warm_up(Side side) const;
  TimedCall fail(TimedCall call, Failure failure);

  const CpuExecutorOptions options_;
  std::shared_ptr<Floors> floors_;
  std::uint64_t seed_;
  Random random_;
  std::vector<std::unique_ptr<RaceCase>> cases_;
  std::array<CandidateSide, kSides> sides_;
  std::array<std::optional<Failure>, kSides> failure_;
  std::array<std::optional<Failure>, kSides> late_;  // found out by a call of the other side
};

std::size_t touched_bytes(const Problem& problem) {
  return std::max<std::size_t>(64, static_cast<std::size_t>(device::work_of(problem).bytes()));
}

void CpuRace::make_case(const catalog::Case& one, std::size_t cases) {
  const std::optional<std::size_t> available = device::available_memory_bytes();
  // Raw weights of both sides and packed ones of both sides, and some for everybody else.
  constexpr std::size_t kCopies = 5;
  const std::optional<std::size_t> share =
      available ? std::optional<std::size_t>(*available / kCopies / cases) : std::nullopt;
  const Rotation rotation = sets_for(touched_bytes(one.problem), floors_->facts().l3_bytes, share);
  const int sets = std::min(rotation.sets, kMostSets);
  auto made = std::make_unique<RaceCase>(one);
  const std::uint64_t seed = mix64(seed_ ^ mix64(cases_.size() + 1));
  // Two libraries that read the raw bytes would find those of the other in the cache.
  const bool both_read_raw =
      sides_[0].candidate().kind == CandidateKind::library && sides_[1].candidate().kind == CandidateKind::library;
  for (std::size_t copy = 0; copy < (both_read_raw ? kSides : 1); ++copy) {
    made->weights.push_back(std::make_unique<WeightSets>(one.problem, Recipe::normal, seed, sets));
  }
  for (std::size_t side = 0; side < kSides; ++side) {
    made->sides[side].weights = made->weights[both_read_raw ? side : 0].get();
    made->sides[side].outputs = std::make_unique<Outputs>(one.problem);
  }
  cases_.push_back(std::move(made));
}

std::optional<std::pair<Side, Failure>> CpuRace::open(const RaceRequest& request) {
  for (const catalog::Case& one : request.cases)
    make_case(one, request.cases.size());
  for (const Side side : {Side::incumbent, Side::candidate}) {
    CandidateSide& process = sides_[index(side)];
    if (auto failure = process.start()) return {{side, *failure}};
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      CaseOfSide& mine = cases_[i]->sides[index(side)];
      if (auto failure = process.prepare(static_cast<int>(i), cases_[i]->one.problem, floors_->facts().threads,
                                         *mine.weights, cases_[i]->inputs, *mine.outputs)) {
        return {{side, *failure}};
      }
    }
  }
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    // A content that no caller can have by chance but once in 2^64.
    const std::uint64_t content = mix64(seed_ + 0x57A27u);
    for (const Side side : {Side::incumbent, Side::candidate}) {
      const TimedCall call = measure(i, side, content, std::max(kFirstCallTimeout, options_.least_timeout_seconds));
      if (call.failure) return {{side, *call.failure}};
    }
    if (late_[1]) return {{Side::candidate, *late_[1]}};
    if (late_[0]) return {{Side::incumbent, *late_[0]}};
  }
  return std::nullopt;
}

void CpuRace::place(std::size_t case_index, std::uint64_t content) {
  RaceCase& at = *cases_[case_index];
  if (at.placed == content) return;
  const auto set = static_cast<int>(at.set_of.size() % static_cast<std::size_t>(at.weights.front()->sets()));
  at.set_of.emplace(content, set);
  const std::uint64_t seed = mix64(seed_ ^ mix64(content + (static_cast<std::uint64_t>(case_index) << 56)));
  at.inputs.place(generate_activations(at.one.problem, Recipe::normal, seed), random_);
  at.placed = content;
  at.kept_side.reset();
}

TimedCall CpuRace::fail(TimedCall call, Failure failure) {
  failure_[index(call.side)] = failure;
  call.failure = std::move(failure);
  return call;
}

TimedCall CpuRace::measure(std::size_t case_index, Side side, std::uint64_t content, double timeout_seconds) {
  TimedCall call{.side = side, .seconds = 0.0, .clock_mhz = {}, .failure = failure_[index(side)]};
  if (call.failure) return call;
  RaceCase& at = *cases_[case_index];
  place(case_index, content);
  Outputs& outputs = *at.sides[index(side)].outputs;
  outputs.poison(random_);
  SideCall ran = sides_[index(side)].call(static_cast<int>(case_index), at.set_of.at(content), at.inputs, outputs,
                                          timeout_seconds);
  call.seconds = ran.seconds;
  CaseOfSide& mine = at.sides[index(side)];
  if (!mine.warm) mine.warm_up_seconds = std::max(0.0, ran.seconds - ran.waited_seconds);
  mine.warm = true;
  if (ran.failure) return fail(std::move(call), *ran.failure);
  call.clock_mhz = clock_mhz();
  if (auto failure = judge(at, side)) return fail(std::move(call), *failure);
  return call;
}

std::optional<Failure> CpuRace::judge(RaceCase& at, Side side) {
  CaseOfSide& mine = at.sides[index(side)];
  const int set = at.set_of.at(*at.placed);
  ElementCheck tally;
  std::optional<Failure> failure = judge_call(at.inputs, *mine.outputs, *mine.weights, set,
                                              draw_elements(at.one.problem, random_), options_.checks, tally);
  if (failure) {
    failure->reason = fmt::format("{} {} on {}", sides_[index(side)].candidate().name, failure->reason, at.one.name);
  } else if (options_.checks.other_side) {
    failure = compare_sides(at, side);
  }
  // What is left of a result could be read, and handed in, by the other side.
  mine.outputs->poison(random_);
  return failure;
}

bool CpuRace::same_bits_expected() const {
  const Candidate& one = sides_[0].candidate();
  const Candidate& two = sides_[1].candidate();
  if (one.kind != CandidateKind::config || two.kind != CandidateKind::config) return false;
  const Problem& problem = cases_.front()->one.problem;
  const auto isa = [&problem](const Candidate& candidate) {
    return Engine({.cpu = candidate.config, .champions = {}}).resolve(problem).isa;
  };
  return isa(one) == isa(two);
}

std::optional<Failure> CpuRace::compare_sides(RaceCase& at, Side side) {
  const Outputs& outputs = *at.sides[index(side)].outputs;
  if (!at.kept_side) {
    at.kept = outputs.copy();
    at.kept_side = side;
    return std::nullopt;
  }
  if (outputs.same_bytes(at.kept)) return std::nullopt;
  const float global_scale = at.inputs.data().out_global_scale;
  const OutputView now = outputs.view(global_scale);
  const OutputView before = view_of(at.one.problem, at.kept, global_scale);
  const reference::Selection suspects = most_different(at.one.problem, now, before);
  const int set = at.set_of.at(*at.placed);
  const auto judged = [&](const OutputView& view, Side whose) -> std::optional<Failure> {
    const ElementCheck check = check_elements(at.inputs.data(), *at.sides[index(whose)].weights, set, view, suspects);
    if (check.ok()) return std::nullopt;
    return Failure{FailureKind::invalid, fmt::format("{} gave a wrong answer on {}, where the sides differ most: {}",
                                                     sides_[index(whose)].candidate().name, at.one.name, check.error)};
  };
  if (!late_[index(*at.kept_side)]) late_[index(*at.kept_side)] = judged(before, *at.kept_side);
  if (auto failure = judged(now, side)) return failure;
  if ((same_bits_expected() || at.kept_side == side) && !late_[index(*at.kept_side)]) {
    // Both are within the tolerance, but one config must give the bits of the other.
    const Failure differs{FailureKind::invalid,
                          fmt::format("{} and {} give different bits on {} from equal inputs",
                                      sides_[0].candidate().name, sides_[1].candidate().name, at.one.name)};
    if (side == Side::candidate || at.kept_side == side) return differs;
    late_[index(Side::candidate)] = differs;
  }
  return std::nullopt;
}

TimedCall CpuRace::run(std::size_t case_index, Side side, std::uint64_t content) {
  if (case_index >= cases_.size()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("the race has no case {}; there are {}", case_index, cases_.size()));
  }
  std::optional<Failure>& late = late_[index(side)];
  if (late && !failure_[index(side)]) failure_[index(side)] = late;
  RaceCase& at = *cases_[case_index];
  const CaseOfSide& incumbent = at.sides[index(Side::incumbent)];
  const double last = incumbent.seconds.empty() ? incumbent.warm_up_seconds : incumbent.seconds.back();
  TimedCall call = measure(case_index, side, content, std::max(options_.least_timeout_seconds, kTimeoutFactor * last));
  if (call.failure) return call;
  if (auto failure = floors_->impossible(at.one, call.seconds)) return fail(std::move(call), *failure);
  at.sides[index(side)].seconds.push_back(call.seconds);
  return call;
}

std::optional<Failure> CpuRace::replace_candidate(const Candidate& candidate) {
  constexpr std::size_t kAt = index(Side::candidate);
  if (!sides_[kAt].alive()) {
    return Failure{FailureKind::error, fmt::format("{} can't take the place of {}, whose process is gone",
                                                   candidate.name, sides_[kAt].candidate().name)};
  }
  if (candidate.kind != CandidateKind::config || sides_[kAt].candidate().kind != CandidateKind::config) {
    return Failure{FailureKind::error, "only a config can take the place of a config"};
  }
  try {
    const Engine engine({.cpu = candidate.config, .champions = {}});
    for (const auto& at : cases_)
      (void)engine.resolve(at->one.problem);
  } catch (const Error& error) {
    return Failure{FailureKind::error, error.what()};
  }
  if (auto failure = sides_[kAt].configure(candidate)) return failure;
  failure_[kAt].reset();
  late_[kAt].reset();
  for (const auto& at : cases_) {
    at->sides[kAt].warm = false;
    at->sides[kAt].seconds.clear();
    if (at->kept_side == Side::candidate) at->kept_side.reset();
  }
  return std::nullopt;
}

std::optional<Failure> CpuRace::slept_in_warm_up(Side side) const {
  for (const auto& at : cases_) {
    const CaseOfSide& mine = at->sides[index(side)];
    const std::optional<double> median = measure::median(mine.seconds);
    if (!median || mine.warm_up_seconds <= kWarmUpFactor * *median ||
        mine.warm_up_seconds <= *median + kWarmUpSeconds) {
      continue;
    }
    return Failure{FailureKind::invalid,
                   fmt::format("{} sleeps in warm-up: its first call on {} took {:.3g} s, later ones {:.3g} s",
                               sides_[index(side)].candidate().name, at->one.name, mine.warm_up_seconds, *median)};
  }
  return std::nullopt;
}

std::optional<Failure> CpuRace::finish(Side side) {
  const std::size_t at = index(side);
  if (failure_[at]) return failure_[at];
  if (late_[at]) return failure_[at] = late_[at];
  if (auto failure = slept_in_warm_up(side)) return failure_[at] = failure;
  if (options_.checks.quiet) {
    if (auto failure = sides_[at].quiet()) return failure_[at] = failure;
  }
  for (const auto& one : cases_) {
    if (options_.checks.inputs && !one->sides[at].weights->unchanged()) {
      return failure_[at] = Failure{FailureKind::invalid, fmt::format("{} changed the weights of {}",
                                                                      sides_[at].candidate().name, one->one.name)};
    }
  }
  return std::nullopt;
}

}  // namespace

OpenedRace open_cpu_race(const RaceRequest& request, const CpuExecutorOptions& options,
                         const std::shared_ptr<Floors>& floors) {
  OpenedRace opened;
  try {
    auto race = std::make_unique<CpuRace>(request, options, floors);
    if (auto failed = race->open(request)) {
      opened.failed_side = failed->first;
      opened.failure = std::move(failed->second);
      return opened;
    }
    opened.race = std::move(race);
  } catch (const Error& error) {
    // Memory, descriptors, processes: the machine's fault, not a candidate's.
    opened.failed_side = Side::incumbent;
    opened.failure = Failure{FailureKind::error, error.what()};
  } catch (const std::bad_alloc&) {
    opened.failed_side = Side::incumbent;
    opened.failure = Failure{FailureKind::error, "out of memory while making the data; race fewer cases at once"};
  }
  return opened;
}

}  // namespace thresher::measure
