// Reduction of times to log-ratios, with every input checked.
#include "measure/paired.hpp"

#include <fmt/format.h>

#include <cmath>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

double mean_log(std::span<const double> times, const char* side) {
  if (times.empty()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a block holds no time of the {}; leave incomplete blocks out of the race", side));
  }
  double sum = 0.0;
  for (const double time : times) {
    if (!std::isfinite(time) || !(time > 0.0)) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("a time of the {} is {}; leave failed blocks out of the race", side, time));
    }
    sum += std::log(time);
  }
  return sum / static_cast<double>(times.size());
}

}  // namespace

double log_ratio(const BlockTimes& times) {
  return mean_log(times.incumbent, "incumbent") - mean_log(times.candidate, "candidate");
}

void RaceData::validate() const {
  if (cases.empty()) throw Error(ErrorCode::invalid_argument, "a race without cases; give at least 1");
  for (const CaseBlocks& one : cases) {
    if (one.log_ratios.size() != cases.front().log_ratios.size()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("case '{}' has {} blocks and case '{}' {}; leave incomplete blocks out", one.name,
                              one.log_ratios.size(), cases.front().name, cases.front().log_ratios.size()));
    }
    for (const double value : one.log_ratios) {
      if (!std::isfinite(value)) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("case '{}' has a log-ratio {}; leave failed blocks out", one.name, value));
      }
    }
  }
}

std::vector<double> geomean_log_ratios(const RaceData& race) {
  race.validate();
  std::vector<double> means(race.cases.front().log_ratios.size(), 0.0);
  for (const CaseBlocks& one : race.cases) {
    for (std::size_t block = 0; block < means.size(); ++block) {
      means[block] += one.log_ratios[block] / static_cast<double>(race.cases.size());
    }
  }
  return means;
}

}  // namespace thresher::measure
