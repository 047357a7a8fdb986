// Wording of refused calls. Runs only on the way to a throw, so it may allocate.
#include "engine/message.hpp"

#include <cstdio>

#include "thresher/error.hpp"

namespace thresher::engine {
namespace {

// Both texts are at most 24 characters long: 9 digits with sign, point and exponent, or 16 hex digits.
constexpr std::size_t kTextBytes = 32;

}  // namespace

void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

std::string number(float value) {
  char text[kTextBytes];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

std::string address(const void* pointer) {
  char text[kTextBytes];
  std::snprintf(text, sizeof text, "%p", pointer);
  return text;
}

}  // namespace thresher::engine
