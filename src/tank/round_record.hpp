// A round as it happened: everything that verdicts.json and the reports show. Data only; made from the ledger.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "measure/executor.hpp"
#include "tank/ledger.hpp"
#include "tank/panel.hpp"
#include "tank/round_definition.hpp"
#include "tank/verdict.hpp"

namespace thresher::tank {

/// A step of a pitch's way through the gates.
struct GateRecord {
  std::string step;  // config, observable, correctness, short_race, full_race, confirmation, in_force
  bool passed = false;
  std::string finding;
  double seconds = 0.0;  // that it took
};

/// A pitch in the round.
struct PitchRecord {
  Pitch pitch;
  bool admitted = false;
  std::string refusal;  // why not, in words
  std::vector<AnswerCheck> answers;
  std::vector<ClaimCheck> evidence;
  std::vector<measure::CaseObservables> observables;  // of the candidate, by case
  std::optional<PanelScore> panel;
  int rank = 0;  // by panel score, from 1; 0: not scored
  bool funded = false;
  bool explored = false;  // measured although the panel did not fund it
  std::string seal;       // hash of the prediction, made before anything was measured
  std::vector<GateRecord> gates;
  std::optional<Outcome> outcome;
  std::optional<Lesson> lesson;
};

/// Incumbent against a second copy of itself.
struct NoiseFloor {
  double log_bound = 0.0;  // differences within this are nothing
  int blocks = 0;
  double spread = 0.0;             // standard deviation of the block log-ratios
  std::vector<std::string> cases;  // that it was measured on
};

/// A change of the champion, or the reason why there was none.
struct ChampionChange {
  std::string pitch;
  CpuConfig before;
  CpuConfig after;
  bool in_force = false;  // the champions file was written
  std::string reason;
};

/// How well somebody's sealed forecasts met what was measured in this round.
struct ForecastRecord {
  std::string who;
  std::string role;  // shark | contestant | panel
  int forecasts = 0;
  std::optional<double> brier;
  std::optional<double> interval_score;
  double weight = 1.0;       // it had in this round
  double next_weight = 1.0;  // it will have in the next one
};

/// A row of the seed's table.
struct BaselineRow {
  catalog::Case one;
  std::optional<double> baseline_seconds;  // measured here
  std::optional<double> champion_seconds;  // after the round, from the last race that measured both
  std::optional<double> target_seconds;    // this device's floor
  std::optional<double> seed_baseline_us;
  std::optional<double> seed_target_us;
};

struct RoundRecord {
  RoundDefinition definition;
  Rules rules;
  measure::DeviceFacts device;
  std::string version;  // of this program
  std::string started_at;
  std::string finished_at;  // empty while it runs
  double measured_seconds = 0.0;
  bool out_of_budget = false;
  std::vector<Lesson> history;
  std::vector<RoundDefinition> earlier;  // the rounds of the recap, oldest first
  std::vector<CaseFacts> cases;
  std::vector<PitchRecord> pitches;  // by id
  std::optional<NoiseFloor> noise_floor;
  std::vector<ChampionChange> champion;
  CpuConfig champion_config;    // in the end
  std::string in_force_reason;  // what became of the champions file; empty when it was not asked
  std::vector<BaselineRow> table;
  std::vector<ForecastRecord> forecasts;
  std::optional<double> regret;         // best measured speed-up over that of the panel's first choice, minus 1
  std::optional<double> random_regret;  // the same for a pitch drawn at random from those measured
  std::int64_t samples = 0;
};

/// verdicts.json
Json to_json(const RoundRecord& record);

}  // namespace thresher::tank
