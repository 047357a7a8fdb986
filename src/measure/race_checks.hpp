// Whether the result of a call is right: against the reference on elements that nobody can foresee, and against what
// the other side made of the same inputs.
//
// Background. Every timed output must be checked, or a candidate computes right answers only while somebody looks. The
// reference needs seconds for a whole output; a check may take some milliseconds.
// Approach. Some hundred elements of every call, drawn after the call, are compared with the reference. All elements
// are compared with the other side's, and where the two differ most, the reference decides who is wrong: an error in
// one element out of millions stands out there. Only an error that both sides share and that 400 random elements a call
// miss is not seen. Rejected: a bound between the sides that is wide enough for every order of summation, because an
// output that was rounded twice passes it, and it can't say which side erred.
#pragma once

#include <cstdint>
#include <string>

#include "measure/race_data.hpp"
#include "reference/grouped_gemm.hpp"

namespace thresher::measure {

struct ElementCheck {
  std::int64_t checked = 0;
  double max_rel_err = 0.0;
  std::string error;  // empty when ok

  [[nodiscard]] bool ok() const { return error.empty(); }
};

/// Compares the selected elements of `out` with the reference; `exact` asks for equality where small integers allow it.
ElementCheck check_elements(const ProblemData& data, const WeightSets& weights, int set, const OutputView& out,
                            const reference::Selection& selection, bool exact = false);

/// Up to 6 groups, of each the first, the last and two other rows, and 16 columns, the edges among them.
reference::Selection draw_elements(const Problem& problem, Random& random);

/// The elements (with their NVFP4 blocks) where two outputs of the same call differ most for their size; empty when
/// they are equal.
reference::Selection most_different(const Problem& problem, const OutputView& one, const OutputView& other);

}  // namespace thresher::measure
