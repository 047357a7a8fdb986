// A race of an incumbent and a candidate as paired blocks, and the log-ratio that a block is reduced to.
//
// Background. Samples of one machine follow its clock, its temperature and its neighbours, so samples close in time
// resemble each other and counting each as evidence counts the same thing twice. Approach: a block is, per case, four
// slots in the order ABBA or BAAB, decided by a coin; it yields one number, in which a linear drift cancels.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace thresher::measure {

/// Times of one case in one block, in any unit; both sides hold at least one.
struct BlockTimes {
  std::vector<double> incumbent;
  std::vector<double> candidate;
};

/// Mean of log incumbent times minus mean of log candidate times: positive where the candidate is faster, 0.03 for 3 %.
/// Throws Error(invalid_argument) for a side without times, or a time that is not finite and > 0.
double log_ratio(const BlockTimes& times);

struct CaseBlocks {
  std::string name;
  std::vector<double> log_ratios;  // one a block, in the order measured
};

/// Complete blocks only: block i of every case belongs together.
struct RaceData {
  std::vector<CaseBlocks> cases;

  /// Throws Error(invalid_argument) for no cases, unequal numbers of blocks, or a log-ratio that is not finite.
  void validate() const;
  [[nodiscard]] int blocks() const { return cases.empty() ? 0 : static_cast<int>(cases.front().log_ratios.size()); }
};

/// The log of the geometric mean of the cases' ratios, per block.
std::vector<double> geomean_log_ratios(const RaceData& race);

}  // namespace thresher::measure
