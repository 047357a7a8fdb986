// What `thresher round` prints at the end: the seed's table, the verdicts, the champion.
#pragma once

#include <string>

#include "tank/round_record.hpp"
#include "tank/round_replay.hpp"

namespace thresher::cli {

std::string round_text(const tank::RoundRecord& record);
std::string replay_text(const tank::Replay& replay);

}  // namespace thresher::cli
