// The charting library's minified source, compiled in so that reports need no network.
#pragma once

#include <string_view>

namespace thresher::report {

std::string_view chart_library() noexcept;

}  // namespace thresher::report
