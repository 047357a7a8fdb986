// How much of a round's budget is spent.
#pragma once

#include <algorithm>
#include <chrono>

#include "tank/ledger.hpp"

namespace thresher::tank {

/// Seconds, over all runs of a round that was interrupted.
class BudgetClock {
 public:
  BudgetClock(const Ledger& ledger, double budget) : budget_(budget) {
    for (const Event& event : ledger.events("spent"))
      before_ += event.data.at("seconds").get<double>();
  }
  [[nodiscard]] double spent() const { return before_ + this_run(); }
  [[nodiscard]] double this_run() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  /// Until a phase that ends at `share` of the budget is over.
  [[nodiscard]] double left(double share) const { return std::max(0.0, share * budget_ - spent()); }

 private:
  double budget_;
  double before_ = 0.0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace thresher::tank
