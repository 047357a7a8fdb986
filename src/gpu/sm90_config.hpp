// The knobs of the Hopper kernels on the host: what can run, what is chosen, and what a kernel is built for.
#pragma once

#include <cstdint>
#include <string>

#include "gpu/kernels/sm90_config.cuh"
#include "thresher/gpu.hpp"

namespace thresher::gpu {

/// What decides the source of a kernel besides its knobs.
struct Sm90Traits {
  Op op = Op::gated;
  OperandType operand = OperandType::nvfp4;
  OutputType output = OutputType::fp16;
  ActivationKind activation = ActivationKind::silu;
  bool bias = false;
  std::int64_t groups = 1;

  auto operator<=>(const Sm90Traits&) const = default;
};

/// What open knobs are chosen by: rows of all groups together, and columns of C.
struct Sm90Size {
  std::int64_t rows = 0;
  std::int64_t n = 4096;
};

/// Every field resolved.
Sm90Config resolve(const Sm90Config& asked, const Sm90Traits& traits, const Sm90Size& size);

/// Why a resolved config can't run with these traits; empty when it can.
std::string why_not(const Sm90Config& config, const Sm90Traits& traits);

/// The device's view of a resolved config.
sm90::Config device_config(const Sm90Config& config, const Sm90Traits& traits);

/// Shared memory that a CTA can have on sm_90, less what the kernel has statically.
inline constexpr int kSharedBudget = 232448 - 1024;

}  // namespace thresher::gpu
