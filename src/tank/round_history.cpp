// What earlier rounds left behind.
#include "tank/round_history.hpp"

#include <fmt/format.h>

#include "tank/event_json.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

void read_measured(const RoundDefinition& round, History& history) {
  const std::filesystem::path file = ledger_file(round.folder);
  if (!std::filesystem::exists(file)) {
    throw Error(ErrorCode::io,
                fmt::format("{} has no ledger, so its lessons are not known; run 'thresher round run {}' "
                            "first, or take it out of `history`",
                            round.folder.string(), round.folder.string()));
  }
  const Ledger ledger(file, Ledger::Mode::read);
  if (!ledger.find("finish", "round")) {
    throw Error(ErrorCode::io, fmt::format("{} is not finished; run 'thresher round run {}' to its end first",
                                           round.folder.string(), round.folder.string()));
  }
  for (const Event& event : ledger.events("pitch"))
    history.pitches.push_back(round.name + "/" + event.subject);
  for (const Event& event : ledger.events("lesson"))
    history.lessons.push_back(lesson_from(event.data));
  for (const Event& event : ledger.events("forecast"))
    history.forecasts.push_back(forecast_from(event.data));
}

}  // namespace

std::filesystem::path ledger_file(const std::filesystem::path& round) {
  return round / "ledger.sqlite";
}

History read_history(const RoundDefinition& definition) {
  History history;
  for (const std::filesystem::path& folder : definition.history) {
    RoundDefinition round = load_round(folder);
    // Recorded rounds speak for themselves: their file is the history.
    if (round.recorded) {
      for (const std::string& pitch : round.recorded->contestants)
        history.pitches.push_back(round.name + "/" + pitch);
      history.lessons.insert(history.lessons.end(), round.recorded->lessons.begin(), round.recorded->lessons.end());
    } else {
      read_measured(round, history);
    }
    history.rounds.push_back(std::move(round));
  }
  return history;
}

}  // namespace thresher::tank
