// The gates in the order of a round, each with a seed of its own.
#include "zoo_round.hpp"

#include <algorithm>
#include <cstdint>

#include "measure/candidate.hpp"
#include "published.hpp"

namespace zoo {
namespace {

using thresher::measure::Candidate;
using thresher::measure::Executor;
using thresher::measure::Failure;
using thresher::measure::OpenedRace;
using thresher::measure::Race;
using thresher::measure::Side;
using thresher::measure::TimedCall;

// Enough for an attack that waits for a race to show itself.
constexpr int kBlocks = 5;

constexpr std::uint64_t kCheckSeed = 1001;
constexpr std::uint64_t kRaceSeed = 2002;

Ruling stopped(Gate gate, Failure failure, Ruling ruling = {}) {
  ruling.stopped_by = gate;
  ruling.failure = std::move(failure);
  return ruling;
}

// Nothing where the call is good.
std::optional<Failure> run_call(Race& race, std::size_t case_index, Side side, std::uint64_t content, Ruling& ruling) {
  const TimedCall call = race.run(case_index, side, content);
  if (call.failure && side == Side::incumbent) {
    // Whatever ended the incumbent: this is no race that the library won.
    return Failure{call.failure->kind, "the incumbent failed: " + call.failure->reason};
  }
  if (call.failure) return call.failure;
  if (side == Side::candidate) {
    ruling.longest_seconds = std::max(ruling.longest_seconds, call.seconds);
    ++ruling.timed_calls;
  }
  return std::nullopt;
}

// ABBA and BAAB in turn; the two halves of a pair share their content.
std::optional<Failure> run_blocks(Race& race, std::size_t cases, Ruling& ruling) {
  std::uint64_t content = 0;
  for (int block = 0; block < kBlocks; ++block) {
    const Side first = block % 2 == 0 ? Side::incumbent : Side::candidate;
    const Side second = block % 2 == 0 ? Side::candidate : Side::incumbent;
    for (std::size_t i = 0; i < cases; ++i) {
      ++content;
      for (const Side side : {first, second}) {
        if (auto failure = run_call(race, i, side, content, ruling)) return failure;
      }
      ++content;
      for (const Side side : {second, first}) {
        if (auto failure = run_call(race, i, side, content, ruling)) return failure;
      }
    }
  }
  return std::nullopt;
}

thresher::catalog::Case make_case(const char* name, thresher::Op op) {
  thresher::catalog::Case one;
  one.name = name;
  one.problem.op = op;
  one.problem.m = {std::begin(kPublishedRows), std::end(kPublishedRows)};
  one.problem.n = kPublishedN;
  one.problem.k = kPublishedK;
  return one;
}

}  // namespace

const char* to_string(Gate gate) {
  switch (gate) {
    case Gate::admit:
      return "admit";
    case Gate::check:
      return "check";
    case Gate::race:
      return "race";
    case Gate::finish:
      break;
  }
  return "finish";
}

std::vector<thresher::catalog::Case> published_cases() {
  return {make_case("zoo-gated", thresher::Op::gated), make_case("zoo-plain", thresher::Op::plain)};
}

Ruling run_round(Executor& executor, const std::filesystem::path& library) {
  const Candidate candidate = thresher::measure::candidate_from_text(library.string());
  const std::vector<thresher::catalog::Case> cases = published_cases();
  if (auto failure = executor.admit(candidate, cases)) return stopped(Gate::admit, *failure);
  const auto outcome = executor.check(candidate, cases, kCheckSeed);
  if (outcome.failure) return stopped(Gate::check, *outcome.failure);
  OpenedRace opened = executor.open_race(
      {.incumbent = thresher::measure::candidate_from_text("block_m=128,block_n=128,block_k=256,dequant_stages=1"),
       .candidate = candidate,
       .cases = cases,
       .seed = kRaceSeed});
  if (!opened.race) return stopped(Gate::race, opened.failure.value_or(Failure{}));
  Ruling ruling;
  if (auto failure = run_blocks(*opened.race, cases.size(), ruling)) return stopped(Gate::race, *failure, ruling);
  for (const Side side : {Side::candidate, Side::incumbent}) {
    if (auto failure = opened.race->finish(side)) return stopped(Gate::finish, *failure, ruling);
  }
  return ruling;
}

}  // namespace zoo
