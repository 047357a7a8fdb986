// The autopilot.
#include "tank/tuner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "format/random.hpp"
#include "measure/estimate.hpp"
#include "tank/event_json.hpp"
#include "tank/forest.hpp"
#include "tank/race_runner.hpp"
#include "tank/trial.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

using measure::Side;
using Clock = std::chrono::steady_clock;

// Shares of the budget at whose end each phase is over: the search, measuring the best again, the noise floor; the rest
// is the deciding race's.
constexpr double kSearchEnds = 0.55;
constexpr double kRepeatEnds = 0.62;
constexpr double kNoiseEnds = 0.72;
constexpr int kNoiseBlocks = 8;
// A config this much slower on one case is not measured on the others: many times what blocks scatter by.
constexpr double kHopeless = -0.2;
constexpr std::size_t kRandomFirst = 8;
constexpr std::size_t kFinalists = 3;
constexpr int kRepeatBlocks = 3;
// Spaces up to this are walked through as a whole if the budget allows it.
constexpr std::size_t kSmallSpace = 64;
// Configs that the forest ranks before each measurement.
constexpr int kRanked = 256;

class Tuner {
 public:
  Tuner(const TuneRequest& request, const SearchSpace& space, measure::Executor& executor, Ledger& ledger,
        Observer& observer, const std::function<bool()>& interrupted)
      : request_(request),
        space_(space),
        executor_(executor),
        ledger_(ledger),
        observer_(observer),
        interrupted_(interrupted),
        random_(request.seed) {
    default_.name = "default";
    default_.config = request.default_config;
    for (const Event& event : ledger_.events("trial"))
      restore(event);
  }

  TuneResult run() {
    const auto everything = space_.all(kSmallSpace);
    result_.exhaustive = everything.has_value();
    result_.space = everything ? everything->size() : 0;
    search(everything);
    repeat_best();
    sort_trials();
    try {
      decide();
    } catch (const Stopped&) {
      stop_undecided();
    }
    return std::move(result_);
  }

 private:
  struct Stopped {};

  // Leaves a race between two calls. It must not end there: an end is in the ledger for good, and the next run of the
  // search could not go on with it.
  class StoppingObserver : public Observer {
   public:
    explicit StoppingObserver(Tuner& tuner) : tuner_(tuner) {}
    void stage(const std::string& what) override { tuner_.observer_.stage(what); }
    void update(std::int64_t done, std::int64_t total) override { tuner_.observer_.update(done, total); }
    void note(const std::string& text) override { tuner_.observer_.note(text); }
    void checkpoint() override {
      tuner_.observer_.checkpoint();
      if (tuner_.stopped()) throw Stopped();
    }

   private:
    Tuner& tuner_;
  };

  [[nodiscard]] double spent() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  [[nodiscard]] bool out_of(double share) const { return spent() >= share * request_.budget_seconds; }
  [[nodiscard]] bool stopped() {
    result_.interrupted = result_.interrupted || interrupted_();
    return result_.interrupted;
  }

  // A search that was interrupted goes on with what it knows.
  void restore(const Event& event) {
    Trial trial;
    trial.point = event.data.at("point").get<Point>();
    trial.config = space_.config(trial.point);
    trial.log_effects = event.data.at("log_effects").get<std::vector<double>>();
    if (!event.data.at("failure").is_null())
      trial.failure = measure::Failure{.kind = measure::FailureKind::invalid,
                                       .reason = event.data.at("failure").get<std::string>()};
    // Later events of a point hold all of its blocks.
    trials_[trial.point] = std::move(trial);
  }

  void record(const Trial& trial) {
    ledger_.append(
        "trial",
        fmt::format("{}#{}{}", to_text(trial.config), trial.log_effects.size(), trial.failure ? "-failed" : ""),
        Json{{"point", trial.point},
             {"config", to_text(trial.config)},
             {"log_effects", trial.log_effects},
             {"failure", trial.failure ? Json(trial.failure->reason) : Json(nullptr)}});
  }

  void open() {
    observer_.stage("packing the weights of both sides");
    measure::OpenedRace opened = executor_.open_race(
        {.incumbent = default_, .candidate = default_, .cases = request_.cases, .seed = fresh_seed(ledger_, "search")});
    if (opened.failure)
      throw Error(ErrorCode::environment, "the default config could not be raced: " + opened.failure->reason);
    race_ = std::move(opened.race);
  }

  void search(const std::optional<std::vector<Point>>& everything) {
    open();
    // What is in force comes first: with its knobs written out it must tie, and its neighbours are the best bets.
    try_point(space_.nearest(executor_resolved()));
    while (!out_of(kSearchEnds) && !stopped()) {
      const std::optional<Point> next = everything ? next_of(*everything) : propose();
      if (!next) break;
      try_point(*next);
      observer_.update(static_cast<std::int64_t>(spent()), static_cast<std::int64_t>(request_.budget_seconds));
    }
  }

  [[nodiscard]] CpuConfig executor_resolved() const {
    const measure::CaseObservables facts = executor_.observe(default_, request_.cases.front(), false);
    return facts.config.empty() ? request_.default_config : cpu_config_from_text(facts.config);
  }

  [[nodiscard]] std::optional<Point> next_of(const std::vector<Point>& points) const {
    const auto open =
        std::find_if(points.begin(), points.end(), [this](const Point& p) { return !trials_.contains(p); });
    return open == points.end() ? std::nullopt : std::optional<Point>(*open);
  }

  [[nodiscard]] std::optional<Point> draw() {
    constexpr int kMostTries = 64;
    for (int i = 0; i < kMostTries; ++i) {
      auto point = space_.draw([this](std::uint64_t below) { return random_.below(below); });
      if (!point || !trials_.contains(*point)) return point;
    }
    return std::nullopt;
  }

  // Neighbours of the best and random points, ranked by what the forest expects of them.
  std::optional<Point> propose() {
    const Trial* best = best_trial();
    if (trials_.size() < kRandomFirst || best == nullptr) return draw();
    std::vector<Point> points;
    std::vector<double> times;
    for (const auto& [point, trial] : trials_) {
      if (!trial.effect()) continue;
      points.push_back(point);
      times.push_back(-*trial.effect());
    }
    const Forest forest(points, times, random_.next());
    std::vector<Point> choices = space_.neighbours(best->point);
    for (int i = 0; i < kRanked; ++i)
      if (auto point = draw()) choices.push_back(*point);
    std::optional<Point> chosen;
    double most = 0.0;
    for (const Point& point : choices) {
      if (trials_.contains(point)) continue;
      const double gain = expected_improvement(forest.guess(point), -*best->effect());
      if (!chosen || gain > most) {
        most = gain;
        chosen = point;
      }
    }
    return chosen;
  }

  [[nodiscard]] const Trial* best_trial() const {
    const Trial* best = nullptr;
    for (const auto& [point, trial] : trials_)
      if (trial.effect() && (best == nullptr || *trial.effect() > *best->effect())) best = &trial;
    return best;
  }

  void try_point(const Point& point) {
    if (trials_.contains(point) || !space_.contains(point)) return;
    Trial trial;
    trial.point = point;
    trial.config = space_.config(point);
    measure_block(trial);
    if (!trial.log_effects.empty() || trial.failure) trials_[point] = std::move(trial);
  }

  // One block, which ends early once a case is so slow that the config can't win.
  void measure_block(Trial& trial) {
    measure::Candidate candidate;
    candidate.name = fmt::format("config {}", trials_.size() + 1);
    candidate.config = trial.config;
    observer_.stage(
        fmt::format("{} configs, best {:+.1f} %: {}", trials_.size(), best_percent(), to_text(trial.config)));
    if (auto failure = race_->replace_candidate(candidate)) {
      trial.failure = std::move(failure);
      record(trial);
      return recover();
    }
    double sum = 0.0;
    std::size_t measured = 0;
    for (std::size_t i = 0; i < request_.cases.size(); ++i) {
      const std::optional<double> effect = measure_case(trial, i);
      if (!effect) break;
      sum += *effect;
      ++measured;
      if (*effect < kHopeless) break;
    }
    // NOTE: a block that Ctrl-C broke off is none. Over some of the cases its mean would be another config's chance.
    if (result_.interrupted && !trial.failure) return;
    if (!trial.failure) trial.log_effects.push_back(sum / static_cast<double>(measured));
    record(trial);
    if (trial.failure) recover();
  }

  // A config that took its process down must not fail those after it.
  void recover() {
    if (race_->replace_candidate(default_)) open();
  }

  std::optional<double> measure_case(Trial& trial, std::size_t index) {
    measure::BlockTimes times;
    const bool first = (random_.next() & 1) != 0;
    const std::uint64_t content = random_.next();
    for (int position = 0; position < 4; ++position) {
      if (stopped()) return std::nullopt;
      const Side side = (position == 0 || position == 3) == first ? Side::incumbent : Side::candidate;
      const measure::TimedCall call =
          race_->run(index, side, mix64(content + static_cast<std::uint64_t>(position / 2)));
      if (call.failure) {
        if (side == Side::incumbent)
          throw Error(ErrorCode::environment, "the default config failed in its own race: " + call.failure->reason);
        trial.failure = call.failure;
        return std::nullopt;
      }
      ledger_.append(Sample{.race = "search/" + to_text(trial.config),
                            .block = static_cast<int>(trial.log_effects.size()),
                            .case_name = request_.cases[index].name,
                            .position = position,
                            .side = to_string(side),
                            .content = content,
                            .seconds = call.seconds,
                            .clock_mhz = call.clock_mhz,
                            .attempt = attempt(trial, index)});
      (side == Side::incumbent ? times.incumbent : times.candidate).push_back(call.seconds);
    }
    return measure::log_ratio(times);
  }

  // A block that an earlier run left half done keeps its samples; this one is the next attempt.
  [[nodiscard]] int attempt(const Trial& trial, std::size_t index) {
    const std::string race = "search/" + to_text(trial.config);
    const auto key = std::make_tuple(race, trial.log_effects.size(), index);
    if (const auto known = attempts_.find(key); known != attempts_.end()) return known->second;
    int next = 0;
    for (const Sample& sample : ledger_.samples(race))
      if (sample.block == static_cast<int>(trial.log_effects.size()) && sample.case_name == request_.cases[index].name)
        next = std::max(next, sample.attempt + 1);
    return attempts_[key] = next;
  }

  [[nodiscard]] double best_percent() const {
    const Trial* best = best_trial();
    return best == nullptr ? 0.0 : std::expm1(*best->effect()) * 100.0;
  }

  // One block flatters whoever was lucky: the best get more, and their median counts.
  void repeat_best() {
    for (int block = 1; block < kRepeatBlocks; ++block) {
      std::vector<Trial*> order;
      for (auto& [point, trial] : trials_)
        if (trial.effect()) order.push_back(&trial);
      std::sort(order.begin(), order.end(), [](const Trial* a, const Trial* b) { return *a->effect() > *b->effect(); });
      if (order.size() > 2 * kFinalists) order.resize(2 * kFinalists);
      for (Trial* trial : order) {
        if (out_of(kRepeatEnds) || stopped()) return;
        if (static_cast<int>(trial->log_effects.size()) <= block) measure_block(*trial);
      }
    }
  }

  void sort_trials() {
    race_.reset();
    for (auto& [point, trial] : trials_)
      result_.trials.push_back(trial);
    std::stable_sort(result_.trials.begin(), result_.trials.end(), [](const Trial& a, const Trial& b) {
      const double worst = -1e9;
      return a.effect().value_or(worst) > b.effect().value_or(worst);
    });
  }

  // The best against the default, in new processes on new inputs.
  void decide() {
    result_.best = request_.default_config;
    if (result_.trials.empty() || !result_.trials.front().effect() || *result_.trials.front().effect() <= 0.0) {
      result_.end = TuneEnd::not_beaten;
      result_.why =
          fmt::format("none of {} configs was faster than the default in its first blocks", result_.trials.size());
      return;
    }
    if (stopped()) throw Stopped();
    // A config may fail only in a race, where it runs longer: then the next best has its turn.
    for (std::size_t i = 0; i < std::min(kFinalists, result_.trials.size()); ++i) {
      if (result_.trials[i].effect().value_or(0.0) <= 0.0) break;
      race_best(result_.trials[i]);
      if (result_.outcome->speed_up) break;
    }
  }

  void stop_undecided() {
    result_.end = TuneEnd::undecided;
    result_.why =
        fmt::format("stopped before the deciding race was decided; the best of {} configs stood at {:+.1f} %: {}",
                    result_.trials.size(), std::expm1(*result_.trials.front().effect()) * 100.0,
                    to_text(result_.trials.front().config));
  }

  // A race that ran out of time keeps its end; with time to spare it is run again under the next name.
  [[nodiscard]] std::string free_name(const std::string& race) const {
    std::string name = race;
    for (int run = 2;; ++run) {
      const std::optional<Event> end = ledger_.find("race_end", name);
      if (!end || !end->data.at("out_of_time").get<bool>()) return name;
      name = fmt::format("{}#{}", race, run);
    }
  }

  // What this machine shows where there is no difference; a race that was too short to tell counts as a case's margin.
  double noise_floor() {
    observer_.stage("noise floor: the default against itself");
    StoppingObserver observer(*this);
    const RaceResult race = run_race(executor_, ledger_,
                                     {.name = free_name("noise-floor"),
                                      .incumbent = default_,
                                      .candidate = default_,
                                      .cases = request_.cases,
                                      .max_blocks = kNoiseBlocks,
                                      .max_seconds = std::max(0.0, kNoiseEnds * request_.budget_seconds - spent()),
                                      .min_blocks = 1,
                                      .decided = {}},
                                     observer);
    return measure::noise_floor(race.data, request_.rule.confidence).value_or(request_.rule.case_margin);
  }

  void race_best(const Trial& best) {
    const double floor = noise_floor();
    measure::Candidate candidate;
    candidate.name = "best";
    candidate.config = best.config;
    const std::string name = free_name("final/" + to_text(best.config));
    observer_.stage(fmt::format("the best of {} configs against the default", result_.trials.size()));
    const auto decided = [this, floor](const measure::RaceData& data) {
      return data.blocks() >= request_.rule.min_blocks &&
             measure::judge(data, floor, request_.rule).ruling != measure::Ruling::ambiguous;
    };
    StoppingObserver observer(*this);
    const RaceResult race = run_race(executor_, ledger_,
                                     {.name = name,
                                      .incumbent = default_,
                                      .candidate = candidate,
                                      .cases = request_.cases,
                                      .max_blocks = request_.rule.max_blocks,
                                      .max_seconds = request_.budget_seconds - spent(),
                                      .min_blocks = 1,
                                      .decided = decided},
                                     observer);
    const Outcome outcome = outcome_of("best", "final", race, floor, request_.rule);
    result_.outcome = outcome;
    result_.why = outcome.reason;
    result_.end = end_of(outcome.verdict);
    if (result_.end == TuneEnd::beaten) result_.best = best.config;
  }

  static TuneEnd end_of(Verdict verdict) {
    switch (verdict) {
      case Verdict::win:
        return TuneEnd::beaten;
      case Verdict::same:
        return TuneEnd::tied;
      case Verdict::ambiguous:
        return TuneEnd::undecided;
      default:
        return TuneEnd::not_beaten;
    }
  }

  const TuneRequest& request_;
  const SearchSpace& space_;
  measure::Executor& executor_;
  Ledger& ledger_;
  Observer& observer_;
  const std::function<bool()>& interrupted_;
  Random random_;
  measure::Candidate default_;
  std::map<Point, Trial> trials_;
  std::map<std::tuple<std::string, std::size_t, std::size_t>, int> attempts_;
  std::unique_ptr<measure::Race> race_;
  TuneResult result_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

std::optional<double> Trial::effect() const {
  if (failure) return std::nullopt;
  return measure::median(log_effects);
}

const char* to_string(TuneEnd end) noexcept {
  switch (end) {
    case TuneEnd::beaten:
      return "beaten";
    case TuneEnd::tied:
      return "tied";
    case TuneEnd::undecided:
      return "undecided";
    case TuneEnd::not_beaten:
      break;
  }
  return "not beaten";
}

TuneResult tune(const TuneRequest& request, const SearchSpace& space, measure::Executor& executor, Ledger& ledger,
                Observer& observer, const std::function<bool()>& interrupted) {
  return Tuner(request, space, executor, ledger, observer, interrupted).run();
}

}  // namespace thresher::tank
