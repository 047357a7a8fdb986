// Measures what this CPU can do at most: read from memory, and multiply-add.
//
// Both are medians over passes, not the best pass: a ceiling that was reached once by luck would make every kernel look
// worse than it is for the same machine on an ordinary second.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cpu/kernel_table.hpp"
#include "device/ceilings.hpp"
#include "thresher/config.hpp"

namespace thresher::measure {

struct CeilingOptions {
  int threads = 0;                          // 0: as many as a call would use
  std::vector<Isa> isas;                    // empty: every usable one
  int passes = 7;                           // odd, so that the median is one of them
  double seconds_per_pass = 0.08;           // of multiply-add; reading takes what one pass over the buffer takes
  std::optional<std::size_t> buffer_bytes;  // to read; empty: see read_buffer_bytes()
  std::function<const cpu::IsaKernels*(Isa)> kernels;                  // empty: those of this build
  std::function<void(const std::string& step)> progress;               // told before each step; may be empty
  std::function<void(const std::string& step, double spread)> spread;  // told after each step; may be empty
};

/// Passes of a ceiling: their median, and how far they disagree.
struct PassRates {
  double median = 0.0;
  double spread = 0.0;  // the middle half of the passes, over the median; 0 of one pass
};

/// Above this the passes disagree so much that a median of seven says little about the machine.
inline constexpr double kSteadySpread = 0.10;

/// More than 4 last-level caches so that next to nothing is found in one, at least 256 MiB so that a pass takes long
/// enough, at most a quarter of the available memory.
std::size_t read_buffer_bytes(std::size_t llc_bytes, std::optional<std::size_t> available_bytes);

/// Bytes per second that `threads` threads read together; the best read pattern by its median.
PassRates measure_read_bandwidth(std::size_t buffer_bytes, int threads, int passes);

/// Multiply-adds of one instruction set on `threads` threads at once, as flops per second.
PassRates measure_multiply_add(const cpu::IsaKernels& kernels, int threads, int passes, double seconds_per_pass);

/// Throws Error(unsupported) for an instruction set that is not usable here.
device::Ceilings measure_ceilings(const CeilingOptions& options);

/// Why `stored` must not be believed next to a fresh measurement of the same machine, in words; nothing when it may.
/// A ceiling of silicon does not double: twice the fresh one, or half of it, was measured under load or elsewhere.
std::optional<std::string> why_unbelievable(const device::Ceilings& stored, const device::Ceilings& fresh);

}  // namespace thresher::measure
