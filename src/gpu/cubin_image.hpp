// Whether bytes are a whole cubin: the driver is given a pointer without a size, and reads past the end of a short one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace thresher::gpu {

/// Why these bytes can't be given to the driver; nothing when they are an ELF file for CUDA with all its parts.
std::optional<std::string> why_no_cubin(std::string_view bytes);

}  // namespace thresher::gpu
