// The least time physics allows for a problem on a device: max(bytes / bandwidth, flops / rate).
//
// Bytes are those that no kernel can avoid: weights of every group that has rows, A and C once each. Caches that keep
// weights from call to call can beat this floor, so it is compared with cold or rotating measurements only.
#pragma once

#include "thresher/problem.hpp"

namespace thresher::device {

/// What a problem must move and compute. Doubles: large problems pass 2^53 in neither and 2^31 in both.
struct Work {
  double weight_bytes = 0.0;   // codes and block scales of the groups that have rows
  double operand_bytes = 0.0;  // A, in its type
  double output_bytes = 0.0;   // C, in its type
  double bias_bytes = 0.0;     // fp32, of the groups that have rows; 0 without bias
  double flops = 0.0;          // 2 * m * n * k for each product

  [[nodiscard]] double bytes() const { return weight_bytes + operand_bytes + output_bytes + bias_bytes; }
};

Work work_of(const Problem& problem);

struct Floor {
  double bytes = 0.0;
  double flops = 0.0;
  double memory_seconds = 0.0;
  double compute_seconds = 0.0;

  [[nodiscard]] double seconds() const { return memory_bound() ? memory_seconds : compute_seconds; }
  [[nodiscard]] bool memory_bound() const { return memory_seconds >= compute_seconds; }
};

/// Throws Error(invalid_argument) for a bandwidth or rate that is not finite and > 0.
Floor floor(const Problem& problem, double bytes_per_second, double flops_per_second);

}  // namespace thresher::device
