// The ring between a thread that dequantises and the thread that multiplies (roles=specialised).
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

namespace thresher::cpu {

/// Panels dequantised and panels used, each written by one side. A panel's buffer is free when used > its number -
/// stages. `task` of each slot tells the consumer what the panel belongs to; kNoMoreTasks ends it.
struct alignas(64) HandOver {
  static constexpr std::int64_t kNoMoreTasks = -1;
  static constexpr int kSlots = 8;

  alignas(64) std::atomic<std::int64_t> produced{0};
  alignas(64) std::atomic<std::int64_t> consumed{0};
  alignas(64) std::int64_t task[kSlots] = {};
};

/// Waits until `counter` exceeds `value`. Spins first, since the other side is at most a panel away, then yields so
/// that a machine with fewer cores than threads makes progress.
inline void wait_beyond(const std::atomic<std::int64_t>& counter, std::int64_t value) {
  constexpr int kSpins = 2000;
  for (int spin = 0; counter.load(std::memory_order_acquire) <= value; ++spin) {
    if (spin < kSpins) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else {
      sched_yield();
    }
  }
}

}  // namespace thresher::cpu
