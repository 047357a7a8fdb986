// How what happened in a round is written into the ledger and read back: one pair of functions a type.
#pragma once

#include <nlohmann/json.hpp>

#include "tank/ledger.hpp"
#include "tank/panel.hpp"
#include "tank/round_record.hpp"

namespace thresher::tank {

Json event_json(const measure::DeviceFacts& facts);
Json event_json(const measure::CaseObservables& observables);
Json event_json(const std::vector<measure::CaseObservables>& observables);
Json event_json(const Assessment& assessment);
Json event_json(const Outcome& outcome);
Json event_json(const Lesson& lesson);
Json event_json(const GateRecord& gate);
Json event_json(const ForecastRecord& record);

// Each throws Error(parse) naming the key that is missing or wrong: a ledger that another version wrote.
measure::DeviceFacts device_facts_from(const Json& json);
std::vector<measure::CaseObservables> observables_from(const Json& json);
Assessment assessment_from(const Json& json);
Outcome outcome_from(const Json& json);
Lesson lesson_from(const Json& json);
GateRecord gate_from(const Json& json);
ForecastRecord forecast_from(const Json& json);

}  // namespace thresher::tank
