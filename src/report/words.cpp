// Figures as words.
#include "report/words.hpp"

#include <fmt/format.h>

#include <cmath>

namespace thresher::report {

std::string duration(double seconds) {
  const double us = seconds * 1e6;
  if (us < 100.0) return fmt::format("{:.3f} us", us);
  if (us < 10000.0) return fmt::format("{:.0f} us", us);
  if (us < 1e6) return fmt::format("{:.1f} ms", us * 1e-3);
  return fmt::format("{:.2f} s", us * 1e-6);
}

std::string duration(const std::optional<double>& seconds) {
  return seconds ? duration(*seconds) : "-";
}

std::string factor(double value) {
  return value < 10.0 ? fmt::format("{:.2f}x", value) : fmt::format("{:.1f}x", value);
}

std::string percent_change(double ratio) {
  return fmt::format("{:+.1f} %", (ratio - 1.0) * 100.0);
}

std::string effect(const std::optional<double>& ratio, const std::optional<double>& low,
                   const std::optional<double>& high) {
  if (!ratio) return "-";
  if (!low || !high) return percent_change(*ratio);
  return fmt::format("{} [{:+.1f}, {:+.1f}]", percent_change(*ratio), (*low - 1.0) * 100.0, (*high - 1.0) * 100.0);
}

std::string status(const tank::PitchRecord& pitch) {
  if (!pitch.admitted) return "refused";
  if (pitch.outcome) return to_string(pitch.outcome->verdict);
  return pitch.funded || pitch.explored ? "not measured yet" : "not funded";
}

std::string change_text(const tank::Pitch& pitch) {
  return pitch.change.library ? pitch.change.library->filename().string() : pitch.change.patch.to_text();
}

std::string claim_text(const tank::ObservableClaim& claim) {
  std::string text = fmt::format("{} {}", claim.observable, to_string(claim.relation));
  if (claim.value) text += fmt::format(" {:g}", *claim.value);
  if (claim.case_name) text += " on " + *claim.case_name;
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace thresher::report
