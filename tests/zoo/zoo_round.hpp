// A library goes through what a round does with a pitch: admission, check, a short race against the incumbent, the end.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "catalog/cases.hpp"
#include "measure/executor.hpp"

namespace zoo {

/// Where a library was stopped.
enum class Gate { admit, check, race, finish };

const char* to_string(Gate gate);

struct Ruling {
  std::optional<Gate> stopped_by;  // nothing: accepted
  thresher::measure::Failure failure;
  double longest_seconds = 0.0;  // of the timed calls of the library
  int timed_calls = 0;
};

/// Small problems that a library may know of beforehand: gated and plain, empty groups among them.
std::vector<thresher::catalog::Case> published_cases();

/// The path of a round over these cases.
Ruling run_round(thresher::measure::Executor& executor, const std::filesystem::path& library);

}  // namespace zoo
