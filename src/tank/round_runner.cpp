// Runs a round from its folder to its verdicts, and goes on where an earlier run stopped.
#include "tank/round_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "measure/estimate.hpp"
#include "tank/budget_clock.hpp"
#include "tank/champion_seat.hpp"
#include "tank/event_json.hpp"
#include "tank/forecasts.hpp"
#include "tank/round_assembly.hpp"
#include "tank/round_opening.hpp"
#include "tank/trial.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

// What each phase may have used up at its end, of the whole budget. The noise floor is needed by every verdict; short
// races keep most pitches out of the dear full ones; what a phase leaves over goes to the next.
constexpr double kNoiseFloorEnds = 0.15;
constexpr double kCheapGatesEnd = 0.50;
constexpr double kFullRacesEnd = 0.85;  // confirmations of their winners included
constexpr double kInForceEnds = 1.0;

class RoundRunner {
 public:
  RoundRunner(Opening opening, std::vector<Pitch> pitches, measure::Executor& executor, Ledger& ledger,
              Observer& observer, double budget)
      : opening_(std::move(opening)),
        heard_(std::move(pitches)),
        executor_(executor),
        ledger_(ledger),
        observer_(observer),
        clock_(ledger, budget),
        seat_(ledger, opening_.definition) {}

  RoundRecord run() {
    device_ = enter_device(ledger_, executor_);
    observe_baseline(ledger_, opening_, executor_, observer_);
    hear_pitches();
    hold_panel(ledger_, opening_, device_, pitches_, observer_);
    measure_noise_floor();
    run_cheap();
    run_full();
    put_in_force();
    learn();
    finish();
    return assemble_record(opening_.definition, opening_.rules, ledger_, opening_);
  }

  void record_spent() {
    const auto runs = ledger_.events("spent").size();
    ledger_.append("spent", std::to_string(runs + 1), Json{{"seconds", clock_.this_run()}});
  }

 private:
  void hear_pitches() {
    for (Pitch& pitch : ask_contestants(ledger_, opening_, device_, observer_)) {
      const bool taken =
          std::any_of(heard_.begin(), heard_.end(), [&](const Pitch& one) { return one.id == pitch.id; });
      if (taken) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("the contestant {} has the name of a file in pitches/; rename one", pitch.id));
      }
      heard_.push_back(std::move(pitch));
    }
    for (const Pitch& pitch : heard_)
      pitches_.push_back(admit_pitch(executor_, ledger_, opening_, pitch, observer_));
  }

  // NOTE: chosen once. A round that goes on has less time left, and a race can't go on with other cases.
  [[nodiscard]] std::vector<catalog::Case> noise_floor_cases() {
    if (!ledger_.find("noise_floor_cases", "round")) {
      std::vector<std::string> names;
      for (const catalog::Case& one : affordable_cases())
        names.push_back(one.name);
      ledger_.append("noise_floor_cases", "round", Json{{"cases", names}});
    }
    const Json chosen = ledger_.find("noise_floor_cases", "round")->data;
    std::vector<catalog::Case> cases;
    for (const auto& name : chosen.at("cases").get<std::vector<std::string>>())
      cases.push_back(catalog::find_case(opening_.cases, name));
    return cases;
  }

  // As many of the cheapest cases as the phase has time for: the whole round if it can be.
  [[nodiscard]] std::vector<catalog::Case> affordable_cases() const {
    const double calls = 4.0 * opening_.rules.noise_floor_blocks;
    double seconds = 0.0;
    std::vector<catalog::Case> cases;
    for (const catalog::Case& one : opening_.by_cost) {
      seconds += calls * expected_seconds(one);
      if (!cases.empty() && seconds > clock_.left(kNoiseFloorEnds)) break;
      cases.push_back(one);
    }
    return cases;
  }

  // Of a call: measured on the cheapest cases, in proportion to the floor on the others.
  [[nodiscard]] double expected_seconds(const catalog::Case& one) const {
    double measured = 0.0;
    double floors = 0.0;
    double floor = 0.0;
    for (const CaseFacts& facts : opening_.facts) {
      if (facts.one.name == one.name) floor = facts.floor_seconds;
      if (facts.baseline_seconds) {
        measured += *facts.baseline_seconds;
        floors += facts.floor_seconds;
      }
    }
    return floors > 0.0 ? floor * measured / floors : floor;
  }

  void measure_noise_floor() {
    if (!ledger_.find("noise_floor", "round")) {
      const Contender contender = against_itself();
      const std::vector<catalog::Case> cases = noise_floor_cases();
      observer_.stage(fmt::format("noise floor: the baseline against itself on {} of {} cases", cases.size(),
                                  opening_.cases.size()));
      const RaceResult race = run_race(executor_, ledger_,
                                       {.name = "noise-floor",
                                        .incumbent = contender.incumbent,
                                        .candidate = contender.candidate,
                                        .cases = cases,
                                        .max_blocks = opening_.rules.noise_floor_blocks,
                                        .max_seconds = clock_.left(kNoiseFloorEnds),
                                        .min_blocks = kLeastBlocks,
                                        .decided = {}},
                                       observer_);
      enter_noise_floor(race);
    }
    noise_floor_ = ledger_.find("noise_floor", "round")->data.at("log_bound").get<double>();
  }

  [[nodiscard]] Contender against_itself() const {
    Contender contender;
    contender.pitch = "noise-floor";
    contender.incumbent = contender.candidate = baseline();
    return contender;
  }

  void enter_noise_floor(const RaceResult& race) {
    if (race.failure) {
      throw Error(ErrorCode::environment,
                  fmt::format("the baseline could not be raced against itself: {}; nothing can be judged here",
                              race.failure->reason));
    }
    const std::optional<double> bound = measure::noise_floor(race.data, opening_.rules.decision.confidence);
    if (!bound) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} blocks are too few for a noise floor at confidence {}; raise noise_floor_blocks",
                              race.blocks(), opening_.rules.decision.confidence));
    }
    std::vector<std::string> cases;
    for (const measure::CaseBlocks& one : race.data.cases)
      cases.push_back(one.name);
    ledger_.append("noise_floor", "round",
                   Json{{"log_bound", *bound},
                        {"blocks", race.blocks()},
                        {"spread", spread(measure::geomean_log_ratios(race.data))},
                        {"cases", cases}});
  }

  static double spread(const std::vector<double>& values) {
    double mean = 0.0;
    for (const double value : values)
      mean += value / static_cast<double>(values.size());
    double sum = 0.0;
    for (const double value : values)
      sum += (value - mean) * (value - mean);
    return values.size() < 2 ? 0.0 : std::sqrt(sum / static_cast<double>(values.size() - 1));
  }

  [[nodiscard]] measure::Candidate baseline() const {
    measure::Candidate candidate;
    candidate.name = "baseline";
    candidate.config = opening_.definition.baseline;
    return candidate;
  }

  [[nodiscard]] TrialSetting setting() const {
    return {.executor = &executor_,
            .ledger = &ledger_,
            .observer = &observer_,
            .rules = &opening_.rules,
            .cases = opening_.cases,
            .by_cost = opening_.by_cost,
            .baseline = opening_.baseline,
            .noise_floor = noise_floor_};
  }

  [[nodiscard]] Contender contender(const PitchRecord& record, const CpuConfig& on_top_of) const {
    Contender contender;
    contender.pitch = record.pitch.id;
    contender.incumbent = baseline();
    contender.incumbent.config = on_top_of;
    contender.candidate = candidate_of(record.pitch, on_top_of);
    contender.observables = record.observables;
    return contender;
  }

  [[nodiscard]] std::vector<PitchRecord*> measured_pitches() {
    std::vector<PitchRecord*> chosen;
    for (PitchRecord& record : pitches_)
      if (record.funded || record.explored) chosen.push_back(&record);
    std::sort(chosen.begin(), chosen.end(),
              [](const PitchRecord* a, const PitchRecord* b) { return a->rank < b->rank; });
    return chosen;
  }

  void settle(PitchRecord& record, Outcome outcome) {
    outcome.pitch = record.pitch.id;
    if (record.pitch.mechanism_observable)
      outcome.mechanism_seen =
          check_claim(*record.pitch.mechanism_observable, opening_.baseline, record.observables).holds;
    if (!ledger_.find("verdict", record.pitch.id)) ledger_.append("verdict", record.pitch.id, event_json(outcome));
    record.outcome = outcome_from(ledger_.find("verdict", record.pitch.id)->data);
    observer_.note(
        fmt::format("{}: {}. {}", record.pitch.id, to_string(record.outcome->verdict), record.outcome->reason));
  }

  // Breadth first: the cheapest gates of every pitch come before the first full race.
  void run_cheap() {
    const std::vector<PitchRecord*> chosen = measured_pitches();
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const double seconds = clock_.left(kCheapGatesEnd) / static_cast<double>(chosen.size() - i);
      CheapTrial trial =
          run_cheap_gates(setting(), chosen[i]->pitch, contender(*chosen[i], opening_.definition.baseline), seconds);
      if (trial.outcome) {
        settle(*chosen[i], *trial.outcome);
      } else {
        finalists_.push_back({chosen[i], trial.promise.value_or(0.0)});
      }
    }
    std::stable_sort(finalists_.begin(), finalists_.end(),
                     [](const Finalist& a, const Finalist& b) { return a.promise > b.promise; });
  }

  RacedOutcome race(const Contender& contender, const char* step, int max_blocks, double ends) {
    RacedOutcome raced = run_race_gate(
        setting(), contender,
        {.step = step, .cases = opening_.cases, .max_blocks = max_blocks, .max_seconds = clock_.left(ends)});
    const std::string subject = contender.pitch + "/" + step;
    if (!ledger_.find("gate", subject)) ledger_.append("gate", subject, event_json(raced.gate));
    return raced;
  }

  // The most promising first, each against the champion that the ones before it left: winners stack.
  void run_full() {
    for (const Finalist& finalist : finalists_) {
      PitchRecord& record = *finalist.record;
      if (ledger_.find("verdict", record.pitch.id)) {
        settle(record, Outcome{});
        take_seat(record);  // the round may have been stopped between the verdict and this
        continue;
      }
      if (clock_.left(kFullRacesEnd) <= 0.0) {
        settle(record, out_of_budget("full_race"));
        continue;
      }
      run_finalist(record);
    }
  }

  static Outcome out_of_budget(const char* step) {
    Outcome outcome;
    outcome.verdict = Verdict::ambiguous;
    outcome.stopped_at = step;
    outcome.reason = "the round's budget ended before this race; it may still win";
    return outcome;
  }

  void run_finalist(PitchRecord& record) {
    const Contender one = contender(record, seat_.config());
    if (one.candidate.kind == measure::CandidateKind::config && one.candidate.config == seat_.config()) {
      Outcome outcome;
      outcome.verdict = Verdict::same;
      outcome.stopped_at = "full_race";
      outcome.reason = fmt::format("the champion {} has this change already", seat_.holder());
      return settle(record, outcome);
    }
    RacedOutcome raced = race(one, "full_race", opening_.rules.decision.max_blocks, kFullRacesEnd);
    if (raced.outcome.verdict == Verdict::win) raced = confirm(one, raced);
    settle(record, raced.outcome);
    take_seat(record);
  }

  void take_seat(const PitchRecord& record) {
    if (record.outcome->verdict != Verdict::win) return;
    seat_.take(record.pitch, candidate_of(record.pitch, seat_.config()), record.outcome->reason);
  }

  // New processes, new inputs, new held-out shapes: only this figure is reported.
  RacedOutcome confirm(const Contender& one, const RacedOutcome& won) {
    const measure::CheckOutcome check =
        executor_.check(one.candidate, opening_.by_cost, fresh_seed(ledger_, one.pitch + "/confirmation-shapes"));
    RacedOutcome confirmed;
    if (check.failure) {
      confirmed.outcome = failed_outcome(one.pitch, "confirmation", *check.failure);
      confirmed.outcome.reason = "won its race, but failed on held-out shapes: " + check.failure->reason;
      return confirmed;
    }
    confirmed = race(one, "confirmation", opening_.rules.confirmation_blocks, kInForceEnds);
    if (confirmed.outcome.verdict != Verdict::win) {
      confirmed.outcome.reason = fmt::format("won its race ({}), but was not confirmed in new processes: {}",
                                             won.outcome.reason, confirmed.outcome.reason);
    }
    return confirmed;
  }

  // A round may start below what users run today: its champion must beat that, too, before it replaces it.
  void put_in_force() {
    if (!seat_.changed() || opening_.definition.champions.empty() || seat_.settled()) return;
    // NOTE: read once. A round that was stopped after it wrote the file must not take its own champion for the old one.
    if (!ledger_.find("in_force_before", "round")) {
      ledger_.append("in_force_before", "round",
                     Json{{"config", to_text(seat_.in_force(device_.kind, opening_.cases))}});
    }
    const CpuConfig in_force =
        cpu_config_from_text(ledger_.find("in_force_before", "round")->data.at("config").get<std::string>());
    Contender contender = against_itself();
    contender.pitch = "champion";
    contender.incumbent.config = in_force;
    contender.candidate.config = seat_.config();
    if (clock_.left(kInForceEnds) <= 0.0) {
      seat_.settle(device_.kind, opening_.cases, in_force, out_of_budget("in_force"));
      return observer_.note(seat_.last_reason());
    }
    const RacedOutcome raced = race(contender, "in_force", opening_.rules.decision.max_blocks, kInForceEnds);
    seat_.settle(device_.kind, opening_.cases, in_force, raced.outcome);
    observer_.note(seat_.last_reason());
  }

  void learn() {
    for (PitchRecord& record : pitches_) {
      if (!record.outcome || ledger_.find("lesson", record.pitch.id)) continue;
      const LessonScope scope{.device = device_.kind,
                              .op = to_string(opening_.definition.op),
                              .cases = opening_.definition.cases,
                              .regime = "cold weights, rotating sets, two processes"};
      ledger_.append("lesson", record.pitch.id,
                     event_json(lesson_of(opening_.definition.name, record.pitch, *record.outcome, scope,
                                          opening_.baseline, record.observables)));
    }
    const ForecastReport report = score_forecasts(pitches_, opening_.records, opening_.history.forecasts);
    for (const ForecastRecord& one : report.records) {
      const std::string subject = one.role + "/" + one.who;
      if (!ledger_.find("forecast", subject)) ledger_.append("forecast", subject, event_json(one));
    }
  }

  void finish() {
    if (ledger_.find("finish", "round")) return;
    record_spent();
    ledger_.append("finish", "round", Json{{"seconds", clock_.spent()}, {"out_of_budget", clock_.left(1.0) <= 0.0}});
  }

  struct Finalist {
    PitchRecord* record;
    double promise;
  };
  // The least for an interval at 95 %.
  static constexpr int kLeastBlocks = 6;

  Opening opening_;
  std::vector<Pitch> heard_;
  measure::Executor& executor_;
  Ledger& ledger_;
  Observer& observer_;
  BudgetClock clock_;
  ChampionSeat seat_;
  measure::DeviceFacts device_;
  std::vector<PitchRecord> pitches_;
  std::vector<Finalist> finalists_;
  double noise_floor_ = 0.0;
};

}  // namespace

void check_round(const RoundDefinition& definition, const std::vector<catalog::Case>& catalog) {
  const Opening opening = open_round(definition, load_rules(definition.rules_file), catalog);
  load_pitches(definition.folder / "pitches", pitch_context(definition, opening.rules));
}

RoundRecord run_round(const RoundDefinition& definition, const std::vector<catalog::Case>& catalog,
                      measure::Executor& executor, Ledger& ledger, Observer& observer, const RunOptions& options) {
  Opening opening = open_round(definition, load_rules(definition.rules_file), catalog);
  const double budget = options.budget_seconds.value_or(definition.budget.seconds);
  std::vector<Pitch> pitches = load_pitches(definition.folder / "pitches", pitch_context(definition, opening.rules));
  enter_definition(ledger, opening, pitches, executor.device(), budget);
  RoundRunner runner(std::move(opening), std::move(pitches), executor, ledger, observer, budget);
  try {
    return runner.run();
  } catch (...) {
    // What was spent counts when the round goes on; a ledger that can't be written is the error to report, not this.
    try {
      runner.record_spent();
    } catch (const Error&) {
    }
    throw;
  }
}

RoundRecord enter_recorded_round(const RoundDefinition& definition, Ledger& ledger) {
  if (!definition.recorded) {
    throw Error(ErrorCode::internal, fmt::format("round {} is not a recorded one", definition.name));
  }
  const RecordedRound& recorded = *definition.recorded;
  if (!ledger.find("round", "definition")) {
    ledger.append("round", "definition",
                  Json{{"name", definition.name},
                       {"round", ledger.keep("round", definition.source_text)},
                       {"recorded", true},
                       {"source", recorded.source}});
  }
  if (!ledger.find("verdict", recorded.pitch.id)) {
    ledger.append("verdict", recorded.pitch.id, event_json(recorded.outcome));
  }
  for (const Lesson& lesson : recorded.lessons)
    if (!ledger.find("lesson", lesson.id)) ledger.append("lesson", lesson.id, event_json(lesson));
  if (!ledger.find("finish", "round")) {
    ledger.append("finish", "round", Json{{"seconds", 0.0}, {"out_of_budget", false}});
  }
  return recorded_record(definition);
}

}  // namespace thresher::tank
