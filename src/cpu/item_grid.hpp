// The order in which a task works through its panels and k blocks.
#pragma once

#include <algorithm>
#include <cstdint>

namespace thresher::cpu {

/// Which weights an item is: steps [first_step, first_step + steps) of a panel.
struct Item {
  std::int64_t panel;  // in the task
  std::int64_t first_step;
  std::int64_t steps;
  std::int64_t chunk_end;   // a step: up to it the next items read on where this one stops
  std::int64_t next_chunk;  // the item after those
};

/// The items of a task: its panels times k blocks. Chunks of k blocks are outermost so that the tokens of a chunk stay
/// in cache over the panels; inside a chunk a panel's k blocks follow each other, so that its weights are read straight
/// on and its sums stay in the nearest cache. A panel's k blocks come in ascending order for every size of chunk.
struct ItemGrid {
  std::int64_t panels;
  std::int64_t steps;        // of a panel
  std::int64_t block_steps;  // of a k block; the last may have fewer
  std::int64_t chunk_blocks;

  [[nodiscard]] std::int64_t k_blocks() const { return (steps + block_steps - 1) / block_steps; }
  [[nodiscard]] std::int64_t items() const { return panels * k_blocks(); }

  [[nodiscard]] Item item(std::int64_t index) const {
    const std::int64_t first_block = index / (panels * chunk_blocks) * chunk_blocks;
    const std::int64_t blocks = std::min(chunk_blocks, k_blocks() - first_block);
    const std::int64_t within = index - first_block * panels;
    const std::int64_t first_step = (first_block + within % blocks) * block_steps;
    return {.panel = within / blocks,
            .first_step = first_step,
            .steps = std::min(block_steps, steps - first_step),
            .chunk_end = std::min((first_block + blocks) * block_steps, steps),
            .next_chunk = index + blocks - within % blocks};
  }
};

}  // namespace thresher::cpu
