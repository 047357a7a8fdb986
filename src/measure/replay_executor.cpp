// Serves a recording.
#include "measure/replay_executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

class ReplayRace final : public Race {
 public:
  ReplayRace(const RecordedRace& recorded, const std::vector<catalog::Case>& cases)
      : name_(recorded.name), calls_(cases.size()) {
    std::vector<RecordedCall> ordered = recorded.calls;
    std::stable_sort(ordered.begin(), ordered.end(), [](const RecordedCall& a, const RecordedCall& b) {
      return std::tie(a.block, a.position) < std::tie(b.block, b.position);
    });
    for (std::size_t i = 0; i < cases.size(); ++i) {
      for (const RecordedCall& call : ordered) {
        if (call.case_name == cases[i].name) calls_[i].push_back(call);
      }
    }
  }

  TimedCall run(std::size_t case_index, Side side, std::uint64_t /*content*/) override {
    if (case_index >= calls_.size()) {
      throw Error(ErrorCode::invalid_argument, fmt::format("race {} has no case {}", name_, case_index));
    }
    TimedCall call{.side = side, .seconds = 0.0, .clock_mhz = {}, .failure = {}};
    std::deque<RecordedCall>& left = calls_[case_index];
    if (left.empty()) {
      call.failure = Failure{FailureKind::error, fmt::format("race {} has no more recorded calls", name_)};
      return call;
    }
    const RecordedCall recorded = left.front();
    if (recorded.side != side) {
      call.failure =
          Failure{FailureKind::error, fmt::format("race {} recorded the {} in block {}, position {} of {}, not the {}",
                                                  name_, to_string(recorded.side), recorded.block, recorded.position,
                                                  recorded.case_name, to_string(side))};
      return call;
    }
    left.pop_front();
    call.seconds = recorded.seconds;
    call.failure = recorded.failure;
    return call;
  }

  std::optional<Failure> replace_candidate(const Candidate& candidate) override {
    return Failure{FailureKind::error, fmt::format("race {} was recorded with one candidate; '{}' can't take its place",
                                                   name_, candidate.name)};
  }

  std::optional<Failure> finish(Side /*side*/) override { return std::nullopt; }

 private:
  std::string name_;
  std::vector<std::deque<RecordedCall>> calls_;
};

}  // namespace

ReplayExecutor::ReplayExecutor(Recording recording)
    : recording_(std::move(recording)), served_(recording_.races.size(), false) {}

std::optional<Failure> ReplayExecutor::admit(const Candidate& candidate, std::span<const catalog::Case> /*cases*/) {
  const auto found = recording_.refused.find(candidate.name);
  return found == recording_.refused.end() ? std::nullopt : std::optional<Failure>(found->second);
}

CaseObservables ReplayExecutor::observe(const Candidate& candidate, const catalog::Case& one, bool run) {
  CaseObservables facts{.case_name = one.name, .config = candidate.name, .values = {}};
  const auto found = recording_.observables.find(candidate.name);
  if (found == recording_.observables.end()) return facts;
  const auto of_case = std::find_if(found->second.begin(), found->second.end(),
                                    [&one](const CaseObservables& some) { return some.case_name == one.name; });
  if (of_case == found->second.end()) return facts;
  facts.config = of_case->config;
  for (const Observable& value : of_case->values) {
    const ObservableInfo* info = find_observable(value.name);
    if (run || info == nullptr || info->source == EvidenceSource::compiled) facts.values.push_back(value);
  }
  return facts;
}

CheckOutcome ReplayExecutor::check(const Candidate& candidate, std::span<const catalog::Case> cases,
                                   std::uint64_t /*seed*/) {
  const auto found = recording_.checks.find(candidate.name);
  if (found != recording_.checks.end()) return found->second;
  return {.problems = static_cast<int>(cases.size()), .elements = 0, .max_rel_err = 0.0, .failure = {}};
}

OpenedRace ReplayExecutor::open_race(const RaceRequest& request) {
  OpenedRace opened;
  for (std::size_t i = 0; i < recording_.races.size(); ++i) {
    const RecordedRace& recorded = recording_.races[i];
    if (served_[i] || recorded.candidate != request.candidate.name) continue;
    served_[i] = true;
    opened.failure = recorded.not_opened;
    opened.failed_side = recorded.failed_side;
    if (!opened.failure) opened.race = std::make_unique<ReplayRace>(recorded, request.cases);
    return opened;
  }
  opened.failure =
      Failure{FailureKind::error, fmt::format("no more races of '{}' were recorded", request.candidate.name)};
  return opened;
}

double ReplayExecutor::floor_seconds(const catalog::Case& one) const {
  const auto found = recording_.floors.find(one.name);
  if (found == recording_.floors.end()) {
    throw Error(ErrorCode::invalid_argument, fmt::format("no floor was recorded for case '{}'", one.name));
  }
  return found->second;
}

}  // namespace thresher::measure
