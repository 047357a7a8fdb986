// The time of day as texts, in UTC.
#include "device/utc_time.hpp"

#include <ctime>

namespace thresher::device {
namespace {

std::string formatted(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof text, format, &parts);
  return {text, length};
}

}  // namespace

std::string utc_time() {
  return formatted("%Y-%m-%dT%H:%M:%SZ");
}

std::string utc_date() {
  return formatted("%Y-%m-%d");
}

}  // namespace thresher::device
