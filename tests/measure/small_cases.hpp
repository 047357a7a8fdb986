// Cases that take a moment, and executors that need no measured ceilings.
#pragma once

#include <string>
#include <vector>

#include "catalog/cases.hpp"
#include "device/ceilings.hpp"
#include "measure/cpu_executor.hpp"

namespace thresher::measure {

inline catalog::Case small_case(const std::string& name, std::vector<std::int64_t> m, std::int64_t n, std::int64_t k,
                                Op op = Op::gated) {
  catalog::Case one;
  one.name = name;
  one.problem = {.op = op, .m = std::move(m), .n = n, .k = k};
  return one;
}

/// Ceilings that nothing reaches, so that floors are tiny and nobody is impossible.
inline device::Ceilings high_ceilings() {
  return {.machine = "test",
          .measured_at = "2026-01-01T00:00:00Z",
          .threads = 2,
          .read_bytes_per_second = 1e15,
          .flops_per_second = {{Isa::portable, 1e18}}};
}

inline CpuExecutorOptions quick_options() {
  CpuExecutorOptions options;
  options.ceilings = high_ceilings();
  return options;
}

inline Candidate config(const std::string& text) {
  return candidate_from_text(text);
}

}  // namespace thresher::measure
