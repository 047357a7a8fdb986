// The memory behind PackedWeights, and packing one group into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/panel_layout.hpp"
#include "thresher/weights.hpp"

namespace thresher {

struct PackedWeights::Storage {
  explicit Storage(const WeightsShape& weights_shape);  // throws Error(invalid_argument | out_of_memory)
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  WeightsShape shape;
  std::int64_t panels = 0;           // of one group
  std::int64_t steps = 0;            // of one panel
  std::size_t bytes = 0;             // of the mapping
  std::uint8_t* data = nullptr;      // [groups][panels][steps][kStepBytes], 64-byte aligned
  std::vector<float> global_scales;  // [groups][2]: gate, up (plain: the first)
  std::vector<std::uint8_t> packed;  // [groups]: 1 once packed

  [[nodiscard]] const std::uint8_t* panel(std::int64_t group, std::int64_t index) const {
    return data + (group * panels + index) * steps * cpu::kStepBytes;
  }
};

namespace cpu {

/// Packs one group. `up` is null for plain weights. The views must be valid (the engine checks them).
void pack_group(PackedWeights::Storage& storage, std::int64_t group, const Nvfp4View& gate, const Nvfp4View* up);

}  // namespace cpu
}  // namespace thresher
