// The time of day as texts, in UTC.
#include "tank/utc_time.hpp"

#include <fmt/chrono.h>

#include <ctime>

namespace thresher::tank {

std::string utc_time() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::string utc_date() {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace thresher::tank
