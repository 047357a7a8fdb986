// THRESHER_CPU_ISA: the instruction set that the user of a program forces on it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "thresher/engine.hpp"

namespace thresher::engine {

/// The forced instruction set; nothing where the variable is unset or says "automatic". Throws Error(environment)
/// listing the usable ones when the variable names no instruction set, or one that can't run here.
std::optional<Isa> forced_isa(const std::optional<std::string>& variable, std::span<const IsaStatus> isas);

}  // namespace thresher::engine
