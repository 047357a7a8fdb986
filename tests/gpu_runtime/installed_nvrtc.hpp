// This machine's NVRTC, for the tests that compile.
#pragma once

#include "gpu/nvrtc.hpp"

namespace thresher::gpu {

constexpr const char* kNeedsNvrtc = "needs NVRTC: install a CUDA toolkit, or PyPI's nvidia-cuda-nvrtc into .venv";

inline const NvrtcLoad& nvrtc_of_this_machine() {
  static const NvrtcLoad load = Nvrtc::load(nvrtc_search(device::read_environment()));
  return load;
}

inline const Nvrtc* installed_nvrtc() {
  return nvrtc_of_this_machine().nvrtc.get();
}

}  // namespace thresher::gpu
