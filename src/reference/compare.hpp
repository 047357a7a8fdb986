// Does an output agree with the reference?
#pragma once

#include <cstdint>
#include <string>

#include "format/generate.hpp"
#include "reference/grouped_gemm.hpp"
#include "thresher/views.hpp"

namespace thresher::reference {

struct Comparison {
  std::int64_t checked = 0;   // elements looked at
  std::int64_t failures = 0;  // elements that disagree (NVFP4: a wrong scale byte counts its 16 elements)
  double max_rel_err = 0;     // largest |got - want| over the largest |want|, both over the finite elements
  double worst_ratio = 0;     // largest |got - want| / tolerance (not for NVFP4, which is checked by interval: 0 or 1)
  std::string first_failure;  // empty when ok: group, row, col, got, want, tolerance

  [[nodiscard]] bool ok() const { return failures == 0; }
};

/// Compares the elements that `result` selects. NaN must be exactly where the reference has it. An infinity is right
/// where the value, moved by its error, rounds to it, and required where no such move avoids it.
///
/// NVFP4: rounding is monotonic, so the scale byte must lie between those of the smallest and the largest possible
/// amax of its block; and with the scale byte that the kernel chose, each code between the codes of value - error and
/// value + error. A block with a NaN must have scale 0x7F; its codes don't matter.
///
/// Throws Error(invalid_argument) when the output's type or shape is not the problem's.
Comparison compare(const Result& result, const ProblemData& data, const OutputView& out);

/// For Recipe::integers and the plain op: every sum is exact, so the output must *equal* the rounded reference, bit for
/// bit (-0 and 0 are the same). Throws Error(invalid_argument) for gated problems, whose activations round.
Comparison compare_bitwise_integers(const Result& result, const ProblemData& data, const OutputView& out);

}  // namespace thresher::reference
