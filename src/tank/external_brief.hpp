// What executables that take part are told, as JSON. docs/ledger.md describes it; examples/ has one of each.
#pragma once

#include <span>

#include "tank/ledger.hpp"
#include "tank/panel.hpp"
#include "tank/round_definition.hpp"

namespace thresher::tank {

/// A pitch with the keys of its TOML file, and the arbiter's findings where they are given: `accepted` and `reason` in
/// each answer, `holds` and `finding` in each evidence item.
Json pitch_json(const Pitch& pitch, std::span<const AnswerCheck> answers = {},
                std::span<const ClaimCheck> evidence = {});

/// For a shark: everything that a Brief holds.
Json shark_brief(const std::string& shark, const Brief& brief);

/// For a contestant: cases with floors and observables of the baseline, rules, lessons, and the names that a pitch may
/// use.
Json contestant_brief(const RoundDefinition& round, const Rules& rules, const measure::DeviceFacts& device,
                      std::span<const CaseFacts> cases, std::span<const Lesson> history);

}  // namespace thresher::tank
