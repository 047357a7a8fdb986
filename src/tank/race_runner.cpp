// Runs a race block by block into the ledger, or reads one back.
#include "tank/race_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <random>

#include "format/random.hpp"
#include "measure/statistics.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

using measure::Side;
using Clock = std::chrono::steady_clock;

constexpr int kCallsOfBlock = 4;

// The four calls of one case in one attempt at a block, by position.
using Quadruple = std::array<std::optional<Sample>, kCallsOfBlock>;

// A drift that is linear over the four calls cancels in either order; the coin makes what is left symmetric.
std::array<Side, kCallsOfBlock> order_of(std::uint64_t seed, int block, std::size_t case_index) {
  const std::uint64_t coin = mix64(seed ^ mix64(static_cast<std::uint64_t>(block) * 1009 + case_index));
  const Side first = (coin & 1) != 0 ? Side::incumbent : Side::candidate;
  const Side second = first == Side::incumbent ? Side::candidate : Side::incumbent;
  return {first, second, second, first};
}

// Positions 0 and 1 read one set of inputs, 2 and 3 another: each side once, so neither sees inputs twice.
std::uint64_t content_of(std::uint64_t seed, int block, int attempt, int position) {
  const std::uint64_t pair = static_cast<std::uint64_t>(position / 2);
  return mix64(seed + (static_cast<std::uint64_t>(block) << 24) + (static_cast<std::uint64_t>(attempt) << 8) + pair);
}

struct Attempt {
  int number = 0;
  std::map<std::string, Quadruple> cases;

  [[nodiscard]] bool complete(const std::vector<std::string>& names) const {
    return std::all_of(names.begin(), names.end(), [this](const std::string& name) {
      const auto found = cases.find(name);
      return found != cases.end() &&
             std::all_of(found->second.begin(), found->second.end(), [](const auto& one) { return one.has_value(); });
    });
  }
};

// Of every block the last attempt: earlier ones were broken off.
std::map<int, Attempt> attempts_of(const std::vector<Sample>& samples) {
  std::map<int, Attempt> blocks;
  for (const Sample& sample : samples) {
    if (sample.position < 0 || sample.position >= kCallsOfBlock) {
      throw Error(ErrorCode::parse, fmt::format("race {} has a sample at position {} of 0 .. {}: the ledger is not one "
                                                "that this program wrote",
                                                sample.race, sample.position, kCallsOfBlock - 1));
    }
    Attempt& attempt = blocks[sample.block];
    if (sample.attempt > attempt.number) attempt = {.number = sample.attempt, .cases = {}};
    if (sample.attempt == attempt.number)
      attempt.cases[sample.case_name][static_cast<std::size_t>(sample.position)] = sample;
  }
  return blocks;
}

// Blocks 0 .. n-1 up to the first that is not complete.
class Blocks {
 public:
  explicit Blocks(std::vector<std::string> cases) : cases_(std::move(cases)) {
    for (const std::string& name : cases_)
      result_.data.cases.push_back({.name = name, .log_ratios = {}});
    times_.resize(cases_.size());
  }

  void add(const Attempt& attempt) {
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      measure::BlockTimes block;
      for (const std::optional<Sample>& sample : attempt.cases.at(cases_[i])) {
        const bool incumbent = sample->side == to_string(Side::incumbent);
        (incumbent ? block.incumbent : block.candidate).push_back(sample->seconds);
        (incumbent ? times_[i].incumbent : times_[i].candidate).push_back(sample->seconds);
      }
      result_.data.cases[i].log_ratios.push_back(measure::log_ratio(block));
    }
  }

  RaceResult& result() {
    result_.times.clear();
    for (std::size_t i = 0; i < cases_.size() && !times_[i].incumbent.empty(); ++i)
      result_.times.push_back({.case_name = cases_[i],
                               .incumbent_seconds = measure::median(times_[i].incumbent).value(),
                               .candidate_seconds = measure::median(times_[i].candidate).value()});
    return result_;
  }
  [[nodiscard]] const measure::RaceData& data() const { return result_.data; }

 private:
  std::vector<std::string> cases_;
  std::vector<measure::BlockTimes> times_;
  RaceResult result_;
};

std::vector<std::string> names_of(const std::vector<catalog::Case>& cases) {
  std::vector<std::string> names;
  for (const catalog::Case& one : cases)
    names.push_back(one.name);
  return names;
}

void record_failure(Ledger& ledger, const std::string& name, Side side, const measure::Failure& failure,
                    RaceResult& result) {
  ledger.append("race_failure", name,
                Json{{"side", to_string(side)}, {"kind", to_string(failure.kind)}, {"reason", failure.reason}});
  result.failure = failure;
  result.failed_side = side;
}

bool read_failure(const Ledger& ledger, const std::string& name, RaceResult& result) {
  const std::optional<Event> event = ledger.find("race_failure", name);
  if (!event) return false;
  const auto kind = event->data.at("kind").get<std::string>();
  measure::Failure failure{.kind = measure::FailureKind::error, .reason = event->data.at("reason").get<std::string>()};
  for (const auto known : {measure::FailureKind::invalid, measure::FailureKind::impossible})
    if (kind == to_string(known)) failure.kind = known;
  result.failure = failure;
  result.failed_side =
      event->data.at("side").get<std::string>() == to_string(Side::incumbent) ? Side::incumbent : Side::candidate;
  return true;
}

// Where a race stands while it runs.
class Runner {
 public:
  Runner(measure::Executor& executor, Ledger& ledger, const RacePlan& plan, Observer& observer)
      : executor_(executor),
        ledger_(ledger),
        plan_(plan),
        observer_(observer),
        names_(names_of(plan.cases)),
        blocks_(names_),
        seed_(fresh_seed(ledger, plan.name)) {
    for (auto& [block, attempt] : attempts_of(ledger.samples(plan.name))) {
      if (block == next_block_ && attempt.complete(names_)) {
        blocks_.add(attempt);
        ++next_block_;
      } else {
        attempts_[block] = attempt.number + 1;
      }
    }
  }

  RaceResult run() {
    RaceResult& early = blocks_.result();
    if (read_failure(ledger_, plan_.name, early) || ledger_.find("race_end", plan_.name) || done()) return finish();
    measure::OpenedRace opened = executor_.open_race(
        {.incumbent = plan_.incumbent, .candidate = plan_.candidate, .cases = plan_.cases, .seed = seed_});
    if (opened.failure) {
      record_failure(ledger_, plan_.name, opened.failed_side, *opened.failure, blocks_.result());
      return finish();
    }
    while (!done() && !out_of_time()) {
      if (!run_block(*opened.race)) return finish();
    }
    for (const Side side : {Side::candidate, Side::incumbent}) {
      if (const auto failure = opened.race->finish(side)) {
        record_failure(ledger_, plan_.name, side, *failure, blocks_.result());
        return finish();
      }
    }
    return finish();
  }

 private:
  [[nodiscard]] bool done() const {
    return next_block_ >= plan_.max_blocks || (next_block_ > 0 && plan_.decided && plan_.decided(blocks_.data()));
  }

  [[nodiscard]] bool out_of_time() {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
    out_of_time_ = next_block_ >= plan_.min_blocks && elapsed >= plan_.max_seconds;
    return out_of_time_;
  }

  bool run_block(measure::Race& race) {
    const auto broken_off = attempts_.find(next_block_);
    Attempt attempt{.number = broken_off == attempts_.end() ? 0 : broken_off->second, .cases = {}};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto order = order_of(seed_, next_block_, i);
      for (int position = 0; position < kCallsOfBlock; ++position) {
        observer_.checkpoint();
        const Side side = order[static_cast<std::size_t>(position)];
        const std::uint64_t content = content_of(seed_, next_block_, attempt.number, position);
        const measure::TimedCall call = race.run(i, side, content);
        if (call.failure) {
          record_failure(ledger_, plan_.name, side, *call.failure, blocks_.result());
          return false;
        }
        Sample sample{.race = plan_.name,
                      .block = next_block_,
                      .case_name = names_[i],
                      .position = position,
                      .side = to_string(side),
                      .content = content,
                      .seconds = call.seconds,
                      .clock_mhz = call.clock_mhz,
                      .attempt = attempt.number};
        ledger_.append(sample);
        attempt.cases[names_[i]][static_cast<std::size_t>(position)] = std::move(sample);
      }
    }
    blocks_.add(attempt);
    ++next_block_;
    observer_.update(next_block_, plan_.max_blocks);
    return true;
  }

  // NOTE: the end is an event of its own: without it a race that ran out of time would go on when the round resumes,
  // and its verdict would depend on how often the round was interrupted.
  RaceResult finish() {
    if (!ledger_.find("race_end", plan_.name)) {
      ledger_.append("race_end", plan_.name,
                     Json{{"cases", names_}, {"blocks", next_block_}, {"out_of_time", out_of_time_}});
    }
    RaceResult result = blocks_.result();
    result.out_of_time = ledger_.find("race_end", plan_.name)->data.at("out_of_time").get<bool>();
    return result;
  }

  measure::Executor& executor_;
  Ledger& ledger_;
  const RacePlan& plan_;
  Observer& observer_;
  std::vector<std::string> names_;
  Blocks blocks_;
  std::uint64_t seed_;
  int next_block_ = 0;
  std::map<int, int> attempts_;  // the number of the next one, of blocks that were broken off
  bool out_of_time_ = false;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

// NOTE: not from the round's seed, which a candidate's author knows.
std::uint64_t fresh_seed(Ledger& ledger, const std::string& subject) {
  if (const std::optional<Event> event = ledger.find("seed", subject))
    return event->data.at("seed").get<std::uint64_t>();
  std::random_device entropy;
  const std::uint64_t seed = (static_cast<std::uint64_t>(entropy()) << 32) | entropy();
  ledger.append("seed", subject, Json{{"seed", seed}});
  return seed;
}

RaceResult run_race(measure::Executor& executor, Ledger& ledger, const RacePlan& plan, Observer& observer) {
  return Runner(executor, ledger, plan, observer).run();
}

RaceResult read_race(const Ledger& ledger, const std::string& name, const std::vector<std::string>& cases) {
  Blocks blocks(cases);
  int next = 0;
  for (const auto& [block, attempt] : attempts_of(ledger.samples(name))) {
    if (block != next || !attempt.complete(cases)) break;
    blocks.add(attempt);
    ++next;
  }
  RaceResult& result = blocks.result();
  read_failure(ledger, name, result);
  if (const auto end = ledger.find("race_end", name)) result.out_of_time = end->data.at("out_of_time").get<bool>();
  return result;
}

}  // namespace thresher::tank
