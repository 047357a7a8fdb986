// What this device reached when it was measured: the two numbers behind every floor.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "thresher/config.hpp"

namespace thresher::device {

struct Ceilings {
  std::string machine;                     // machine_key() of where it was measured
  std::string measured_at;                 // ISO 8601, UTC
  int threads = 0;                         // that measured together
  double read_bytes_per_second = 0.0;      // all threads together, from memory
  std::map<Isa, double> flops_per_second;  // multiply-add rate of all threads together, 2 flops each

  bool operator==(const Ceilings&) const = default;

  /// The measured rate of an instruction set; nothing when it was not measured here.
  [[nodiscard]] std::optional<double> rate(Isa isa) const {
    const auto found = flops_per_second.find(isa);
    return found == flops_per_second.end() ? std::nullopt : std::optional<double>(found->second);
  }
};

}  // namespace thresher::device
