// The sources of src/gpu/kernels, which the build puts into the library.
#pragma once

#include <span>
#include <string_view>

namespace thresher::gpu {

struct KernelFile {
  std::string_view name;  // "sm90_grouped.cuh"
  std::string_view text;
};

/// All of them, by name.
std::span<const KernelFile> kernel_files();

/// The text of one file. Throws Error(internal) with the names that exist.
std::string_view kernel_text(std::string_view name);

}  // namespace thresher::gpu
