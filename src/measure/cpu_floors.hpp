// The device's facts and the floors that follow from its measured ceilings.
#pragma once

#include <optional>

#include "catalog/cases.hpp"
#include "measure/cpu_executor.hpp"
#include "measure/executor.hpp"

namespace thresher::measure {

/// NOTE: a ceiling that was measured on a busy machine is too low, and would call honest candidates impossible. So
/// before anybody is called that, the ceilings are measured up to three times more, and the best counts from then on.
class Floors {
 public:
  explicit Floors(const CpuExecutorOptions& options);

  [[nodiscard]] const DeviceFacts& facts() const { return facts_; }
  [[nodiscard]] double seconds(const Problem& problem) const;

  /// The failure if `seconds` is less than physics allows, and is still so after more looks at the ceilings.
  std::optional<Failure> impossible(const catalog::Case& one, double seconds);

 private:
  void measure_again();

  int passes_;
  bool may_measure_;
  DeviceFacts facts_;
};

/// The clock of the fastest core now, where the system tells.
std::optional<double> clock_mhz();

}  // namespace thresher::measure
