// How a refused call is worded: values in messages, always formatted the same way.
#pragma once

#include <cstdint>
#include <string>

namespace thresher::engine {

/// Throws Error(invalid_argument).
[[noreturn]] void refuse(const std::string& message);

/// Shortest text that tells the value, e.g. "0.5", "nan", "1e-12".
std::string number(float value);

/// "0x7f..." of a pointer.
std::string address(const void* pointer);

}  // namespace thresher::engine
