// The rules of a round, as data: rules/*.toml.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "measure/judge.hpp"

namespace thresher::tank {

struct Criterion {
  std::string name;         // expected_gain, soundness, feasibility, kernel_specific_analysis, ...
  double base = 0.0;        // weight before this round's adjustment, in points
  double adjustment = 0.0;  // the seed's +10 / +5 / +5
  double normalised = 0.0;  // (base + adjustment) over the sum of all, as computed when read

  [[nodiscard]] double raw() const { return base + adjustment; }
};

struct Rules {
  std::string name;
  std::string description;
  std::vector<Criterion> criteria;
  double generic_discount = 1.0;               // what a generic item counts for, against 1 for a kernel-specific one
  bool require_kernel_specific = false;        // a criterion without a kernel-specific item that holds scores 0
  std::vector<std::string> evidence_criteria;  // the criteria to which those two apply
  bool require_history = false;                // a panel that does not see earlier rounds is refused
  bool require_answers = false;                // a binding lesson without an answer that holds refuses the pitch
  double exploration_share = 0.0;              // of the budget, for pitches that the panel did not fund
  measure::DecisionRule decision;              // thresholds of the verdicts
  int short_race_blocks = 6;
  int noise_floor_blocks = 8;
  int confirmation_blocks = 8;
  std::string source_text;  // the file, for the ledger

  [[nodiscard]] const Criterion* find(std::string_view criterion) const;
};

/// Throws Error(io | parse) naming file, line, key and value; weights must be >= 0 and not all 0.
Rules load_rules(const std::filesystem::path& file);
Rules parse_rules(std::string_view text, const std::string& origin);

}  // namespace thresher::tank
