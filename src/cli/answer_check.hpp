// Whether a kernel's outputs are right, on a sample of elements that is drawn before anything runs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/output_buffer.hpp"
#include "format/generate.hpp"
#include "reference/compare.hpp"
#include "reference/grouped_gemm.hpp"

namespace thresher::cli {

struct AnswerReport {
  std::int64_t checked = 0;  // elements compared with the reference
  double max_rel_err = 0.0;
  std::string error;  // empty when ok

  [[nodiscard]] bool ok() const { return error.empty(); }
};

/// The reference for a sample of one problem's outputs.
class AnswerCheck {
 public:
  /// Problems of at most kFullCheck multiply-adds are checked whole. Of larger ones: the first, last and a random row
  /// of every group in all columns, and all rows in some columns, the edges among them. `inputs` needs no weights, and
  /// must outlive this object.
  AnswerCheck(const ProblemData& inputs, const reference::WeightsOf& weights, std::uint64_t seed);

  /// Compares with the reference and looks at the fences.
  [[nodiscard]] AnswerReport judge(const OutputBuffer& out) const;

 private:
  const ProblemData& inputs_;
  std::vector<reference::Result> samples_;
};

}  // namespace thresher::cli
