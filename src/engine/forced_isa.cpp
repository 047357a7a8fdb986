// Turns THRESHER_CPU_ISA into an instruction set, or into the list of those that would work.
#include "engine/forced_isa.hpp"

#include "thresher/error.hpp"

namespace thresher::engine {
namespace {

std::string usable_names(std::span<const IsaStatus> isas) {
  std::string names;
  for (const IsaStatus& status : isas) {
    if (status.usable) names.append(names.empty() ? "" : ", ").append(to_string(status.isa));
  }
  return names;
}

[[noreturn]] void refuse_variable(const std::string& value, const std::string& why, std::span<const IsaStatus> isas) {
  throw Error(ErrorCode::environment,
              "THRESHER_CPU_ISA is '" + value + "', " + why + "; unset it or set it to one of: " + usable_names(isas));
}

}  // namespace

std::optional<Isa> forced_isa(const std::optional<std::string>& variable, std::span<const IsaStatus> isas) {
  if (!variable || variable->empty()) return std::nullopt;
  const std::optional<Isa> isa = parse_isa(*variable);
  if (!isa) refuse_variable(*variable, "which is not an instruction set", isas);
  if (*isa == Isa::automatic) return std::nullopt;
  for (const IsaStatus& status : isas) {
    if (status.isa != *isa) continue;
    if (status.usable) return isa;
    refuse_variable(*variable, "which can't run here (" + status.why_not + ")", isas);
  }
  refuse_variable(*variable, "which this build does not have", isas);
}

}  // namespace thresher::engine
