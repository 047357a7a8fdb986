// The time of day as texts, in UTC.
#pragma once

#include <string>

namespace thresher::device {

/// "2026-11-23T12:00:00Z"
std::string utc_time();

/// "2026-11-23"
std::string utc_date();

}  // namespace thresher::device
