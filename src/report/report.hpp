// Reports of a round: the seed's own sections, filled from data. Functions of the record alone.
#pragma once

#include <string>

#include "tank/round_record.hpp"

namespace thresher::report {

/// report.md
std::string markdown(const tank::RoundRecord& record);

/// report.html: one self-contained file, charts included, that needs no network.
std::string html(const tank::RoundRecord& record);

}  // namespace thresher::report
