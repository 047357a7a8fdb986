// The kernels there are, as data: what each is, and how a config becomes a source and a launch.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "gpu/compiler.hpp"
#include "gpu/launch_plan.hpp"

namespace thresher::gpu {

struct PreparedKernel {
  KernelSource source;
  LaunchPlan launch;  // of one call; inspect shows its block, cluster and shared memory
};

/// Why a config can't run, in words: the field, its value and what it may be.
struct WhyNot {
  std::string reason;
};

struct RegisteredKernel {
  std::string_view name;  // "sm90_gated"
  std::string_view description;
  /// "field=value,..." over the kernel's defaults; empty text is the defaults. Unknown fields and bad values are a
  /// WhyNot.
  std::variant<PreparedKernel, WhyNot> (*prepare)(std::string_view config);
};

/// Those of this build.
std::span<const RegisteredKernel> registered_kernels();

/// Throws Error(invalid_argument) naming those that exist.
const RegisteredKernel& kernel_named(std::span<const RegisteredKernel> kernels, std::string_view name);

}  // namespace thresher::gpu
