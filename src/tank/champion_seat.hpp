// Who holds the champion's seat in a round. It changes on a win only; the file that users' engines read changes last,
// whole, and only when the champion beats what is in force.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/cases.hpp"
#include "measure/candidate.hpp"
#include "tank/ledger.hpp"
#include "tank/round_definition.hpp"
#include "tank/round_record.hpp"
#include "tank/verdict.hpp"

namespace thresher::tank {

class ChampionSeat {
 public:
  /// Reads the changes that the ledger holds already.
  ChampionSeat(Ledger& ledger, const RoundDefinition& definition);

  [[nodiscard]] const CpuConfig& config() const { return config_; }
  [[nodiscard]] std::string holder() const;  // pitch, or "baseline"
  [[nodiscard]] bool changed() const { return !changes_.empty(); }
  [[nodiscard]] bool settled() const { return settled_; }
  [[nodiscard]] std::string last_reason() const;

  /// A confirmed winner. A library wins its race and changes nothing: the engine runs configs only.
  void take(const Pitch& pitch, const measure::Candidate& candidate, const std::string& reason);

  /// The config that users run today on these cases: the champions file, else the engine's own choice.
  [[nodiscard]] CpuConfig in_force(const std::string& device_kind, const std::vector<catalog::Case>& cases) const;

  /// Writes the champions file on a win against what is in force; says why not otherwise.
  void settle(const std::string& device_kind, const std::vector<catalog::Case>& cases, const CpuConfig& in_force,
              const Outcome& outcome);

 private:
  Ledger& ledger_;
  const std::filesystem::path folder_;
  const std::string round_;
  CpuConfig config_;
  std::vector<ChampionChange> changes_;
  bool settled_ = false;
};

/// The changes in the ledger, in order.
std::vector<ChampionChange> champion_changes(const Ledger& ledger);

}  // namespace thresher::tank
