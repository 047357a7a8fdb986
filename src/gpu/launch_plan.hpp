// How a kernel is launched, as data: made by the host twin of a kernel, without a driver.
#pragma once

namespace thresher::gpu {

struct Dim3 {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;

  [[nodiscard]] unsigned long long count() const { return static_cast<unsigned long long>(x) * y * z; }
  bool operator==(const Dim3&) const = default;
};

struct LaunchPlan {
  Dim3 grid = {};     // CTAs
  Dim3 block = {};    // threads of a CTA
  Dim3 cluster = {};  // CTAs of a cluster; {1, 1, 1}: none
  unsigned dynamic_smem_bytes = 0;
  /// Programmatic stream serialization: the kernel may start while the one before it ends, and waits for its results
  /// itself (griddepcontrol.wait).
  bool programmatic_serialization = false;

  bool operator==(const LaunchPlan&) const = default;
};

}  // namespace thresher::gpu
