// NVFP4 weights into the order that the Hopper kernels copy and dequantise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "thresher/weights.hpp"

namespace thresher::gpu {

/// Packed sizes of one group.
struct Sm90PackedShape {
  std::int64_t blocks = 0;    // of 64 rows, gate and up rows paired; a multiple of a quad
  std::int64_t k_blocks = 0;  // of 64 k; even
  std::size_t bytes = 0;
};

/// Throws Error(out_of_memory) for sizes beyond the address space.
Sm90PackedShape sm90_packed_shape(const WeightsShape& shape);

/// Packs one group into `out` (sm90_packed_shape().bytes). `up` is null exactly for plain weights.
void sm90_pack(const WeightsShape& shape, const Nvfp4View& gate, const Nvfp4View* up, std::span<std::uint8_t> out);

}  // namespace thresher::gpu
