// Counts the bytes and flops of a problem and divides them by measured ceilings.
#include "device/floor.hpp"

#include <cmath>
#include <string>

#include "thresher/error.hpp"

namespace thresher::device {
namespace {

// Half a byte of code and one byte of E4M3 scale per block of 16.
constexpr double kNvfp4Bytes = 0.5 + 1.0 / static_cast<double>(kScaleBlock);

double element_bytes(OperandType type) {
  return type == OperandType::nvfp4 ? kNvfp4Bytes : 2.0;
}

double element_bytes(OutputType type) {
  switch (type) {
    case OutputType::fp32:
      return 4.0;
    case OutputType::nvfp4:
      return kNvfp4Bytes;
    case OutputType::fp16:
    case OutputType::bf16:
      break;
  }
  return 2.0;
}

void require_ceiling(const char* what, double value) {
  if (std::isfinite(value) && value > 0.0) return;
  throw Error(ErrorCode::invalid_argument, std::string("a floor needs a ") + what +
                                               " that is finite and above 0, not " + std::to_string(value) +
                                               "; measure it with 'thresher ceilings'");
}

}  // namespace

Work work_of(const Problem& problem) {
  double rows = 0.0;
  double groups_with_rows = 0.0;
  for (const std::int64_t m : problem.m) {
    rows += static_cast<double>(m);
    groups_with_rows += m > 0 ? 1.0 : 0.0;
  }
  const double products = problem.op == Op::gated ? 2.0 : 1.0;
  const double n = static_cast<double>(problem.n);
  const double k = static_cast<double>(problem.k);

  Work work;
  work.weight_bytes = products * groups_with_rows * n * k * kNvfp4Bytes;
  work.operand_bytes = rows * k * element_bytes(problem.operand);
  work.output_bytes = rows * n * element_bytes(problem.output);
  work.bias_bytes = problem.bias ? products * groups_with_rows * n * 4.0 : 0.0;
  work.flops = products * 2.0 * rows * n * k;
  return work;
}

Floor floor(const Problem& problem, double bytes_per_second, double flops_per_second) {
  require_ceiling("bandwidth", bytes_per_second);
  require_ceiling("rate", flops_per_second);
  const Work work = work_of(problem);
  return {work.bytes(), work.flops, work.bytes() / bytes_per_second, work.flops / flops_per_second};
}

}  // namespace thresher::device
