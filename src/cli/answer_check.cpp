// Sampling and comparing outputs.
#include "cli/answer_check.hpp"

#include <algorithm>

namespace thresher::cli {
namespace {

// About a second of reference; above it a sample must do.
constexpr double kFullCheck = 2e8;
constexpr std::int64_t kRowsPerGroup = 3;
// 32 so that NVFP4 outputs, which are checked in blocks of 16, still have both edges.
constexpr std::int64_t kColumns = 32;

double multiply_adds(const Problem& problem) {
  const double products = problem.op == Op::gated ? 2.0 : 1.0;
  return products * static_cast<double>(problem.total_m()) * static_cast<double>(problem.n) *
         static_cast<double>(problem.k);
}

std::vector<reference::Selection> selections(const Problem& problem, std::uint64_t seed) {
  if (multiply_adds(problem) <= kFullCheck) {
    return {reference::select_all(problem)};
  }
  return {reference::select_sample(problem, kRowsPerGroup * problem.groups(), problem.n, seed),
          reference::select_sample(problem, problem.total_m(), std::min(problem.n, kColumns), seed + 1)};
}

}  // namespace

AnswerCheck::AnswerCheck(const ProblemData& inputs, const reference::WeightsOf& weights, std::uint64_t seed)
    : inputs_(inputs) {
  for (const reference::Selection& selection : selections(inputs.problem, seed)) {
    samples_.push_back(reference::compute(inputs, weights, &selection));
  }
}

AnswerReport AnswerCheck::judge(const OutputBuffer& out) const {
  AnswerReport report;
  for (const reference::Result& sample : samples_) {
    const reference::Comparison comparison = reference::compare(sample, inputs_, out.view());
    report.checked += comparison.checked;
    report.max_rel_err = std::max(report.max_rel_err, comparison.max_rel_err);
    if (!comparison.ok() && report.ok()) {
      report.error = "wrong answer: " + std::to_string(comparison.failures) + " of " +
                     std::to_string(comparison.checked) + " elements, first: " + comparison.first_failure;
    }
  }
  if (report.ok() && !out.fences_intact()) {
    report.error = "wrong answer: wrote outside the result";
  }
  return report;
}

}  // namespace thresher::cli
