// What the fake driver counts and what a test may tell it to do.
#pragma once

#include <cstddef>

#include "gpu/cuda_abi.hpp"

namespace thresher::gpu {

struct FakeDriver {
  CuResult init_result = kCuSuccess;
  CuResult launch_result = kCuSuccess;
  CuResult load_result = kCuSuccess;
  int devices = 1;
  std::size_t free_bytes = 1 << 20;

  int depth = 0;  // contexts pushed and not popped
  int retained = 0;
  int allocations = 0;
  int modules = 0;
  int streams = 0;
  int events = 0;
  int graphs = 0;
  int graph_execs = 0;
  bool capturing = false;
  int launches = 0;
  int launches_without_context = 0;
  LaunchConfig config = {};  // of the last launch; `attributes` below are copies
  LaunchAttribute attributes[4] = {};
  int dynamic_smem_allowed = 0;
};

}  // namespace thresher::gpu
