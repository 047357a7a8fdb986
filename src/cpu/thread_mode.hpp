// How a thread computes and when its stores are seen, whatever the program around the library has set.
#pragma once

namespace thresher::cpu {

/// Rounds to nearest and keeps subnormals while it lives, then puts back what the program had set.
///
/// NOTE: the control word belongs to a thread, and the threads of an OpenMP pool need not have the caller's: without
/// this, "same call, same bits" would depend on which thread takes which task.
class DefaultFloatMode {
 public:
#if defined(__x86_64__)
  DefaultFloatMode() noexcept : before_(__builtin_ia32_stmxcsr()) {
    // All exceptions masked, round to nearest, neither flush-to-zero nor denormals-are-zero: what a process starts
    // with.
    constexpr unsigned kDefault = 0x1F80;
    __builtin_ia32_ldmxcsr(kDefault);
  }
  ~DefaultFloatMode() {
    __builtin_ia32_ldmxcsr(before_);
  }
#else
  DefaultFloatMode() noexcept = default;
#endif
  DefaultFloatMode(const DefaultFloatMode&) = delete;
  DefaultFloatMode& operator=(const DefaultFloatMode&) = delete;

#if defined(__x86_64__)
 private:
  unsigned before_;
#endif
};

/// Makes non-temporal stores of this thread visible before its later ones. They are not ordered by the barrier that
/// ends a call unless that happens to use a locked instruction.
inline void order_streaming_stores() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

}  // namespace thresher::cpu
