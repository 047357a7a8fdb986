// The order of a task's items: complete, and as its users count on it.
#include "cpu/item_grid.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace thresher::cpu {
namespace {

// Every grid of up to 3 panels, 7 steps, blocks of 1 .. 7 steps and every size of chunk.
template <typename Check>
void for_every_grid(const Check& check) {
  for (std::int64_t panels = 1; panels <= 3; ++panels) {
    for (std::int64_t steps = 1; steps <= 7; ++steps) {
      for (std::int64_t block = 1; block <= steps; ++block) {
        ItemGrid grid{panels, steps, block, 1};
        for (; grid.chunk_blocks <= grid.k_blocks(); ++grid.chunk_blocks) {
          SCOPED_TRACE(testing::Message() << panels << " panels, " << steps << " steps, blocks of " << block
                                          << ", chunks of " << grid.chunk_blocks);
          check(grid);
        }
      }
    }
  }
}

TEST(ItemGrid, TakesEveryStepOfEveryPanelOnceInAscendingOrder) {
  for_every_grid([](const ItemGrid& grid) {
    std::vector<std::int64_t> done(static_cast<std::size_t>(grid.panels), 0);
    for (std::int64_t index = 0; index < grid.items(); ++index) {
      const Item item = grid.item(index);
      std::int64_t& steps = done.at(static_cast<std::size_t>(item.panel));
      EXPECT_EQ(item.first_step, steps);
      EXPECT_GE(item.steps, 1);
      steps += item.steps;
    }
    for (const std::int64_t steps : done) {
      EXPECT_EQ(steps, grid.steps);
    }
  });
}

TEST(ItemGrid, ReadsAPanelStraightOnToTheEndOfItsChunk) {
  for_every_grid([](const ItemGrid& grid) {
    for (std::int64_t index = 0; index < grid.items(); ++index) {
      const Item item = grid.item(index);
      std::int64_t end = item.first_step;
      for (std::int64_t later = index; later < item.next_chunk; ++later) {
        EXPECT_EQ(grid.item(later).panel, item.panel);
        EXPECT_EQ(grid.item(later).first_step, end);
        end += grid.item(later).steps;
      }
      EXPECT_EQ(end, item.chunk_end);
      if (item.next_chunk < grid.items()) {
        EXPECT_FALSE(grid.item(item.next_chunk).panel == item.panel && grid.panels > 1);
      }
    }
  });
}

TEST(ItemGrid, PassesAChunkWithEveryPanelBeforeTheNext) {
  const ItemGrid grid{.panels = 2, .steps = 5, .block_steps = 1, .chunk_blocks = 2};
  const std::vector<std::vector<std::int64_t>> expected = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2},
                                                           {0, 3}, {1, 2}, {1, 3}, {0, 4}, {1, 4}};
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const Item item = grid.item(static_cast<std::int64_t>(index));
    EXPECT_EQ((std::vector<std::int64_t>{item.panel, item.first_step}), expected[index]);
  }
}

}  // namespace
}  // namespace thresher::cpu
