// Sizes and offsets of a call's workspace.
#include "cpu/workspace.hpp"

#include <algorithm>
#include <string>

#include "cpu/hand_over.hpp"
#include "cpu/panel_layout.hpp"
#include "device/cpu_info.hpp"
#include "thresher/error.hpp"

namespace thresher::cpu {
namespace {

// Adds a part of `count` x `bytes` and returns its offset.
std::size_t take(std::size_t& total, std::int64_t count, std::int64_t bytes) {
  std::size_t size = 0;
  const std::size_t at = total;
  if (__builtin_mul_overflow(static_cast<std::size_t>(count), static_cast<std::size_t>(bytes), &size) ||
      __builtin_add_overflow(size, kCacheLine - 1, &size) ||
      __builtin_add_overflow(total, size / kCacheLine * kCacheLine, &total)) {
    throw Error(ErrorCode::out_of_memory, "workspace: " + std::to_string(count) + " x " + std::to_string(bytes) +
                                              " bytes do not fit the address space; call with fewer rows");
  }
  return at;
}

}  // namespace

std::int64_t max_token_blocks(const CpuConfig& config, std::int64_t groups, std::int64_t rows) {
  // Every group adds at most one block that is not full.
  return rows / config.block_m + std::min(groups, rows);
}

std::int64_t tasks_per_token_block(const CpuConfig& config, const WeightsShape& shape) {
  return divide_up(panel_count(shape.op, shape.n), config.block_n / panel_columns(shape.op));
}

WorkspaceLayout layout_workspace(const CpuConfig& config, const WeightsShape& shape, std::int64_t max_rows) {
  const IsaKernels& isa = *kernels(config.isa);
  const std::int64_t steps = step_count(shape.k);
  const std::int64_t blocks = max_token_blocks(config, shape.groups, max_rows);
  const std::int64_t tiles = max_rows / isa.token_tile + std::min(shape.groups, max_rows);
  const std::int64_t block_steps = std::min<std::int64_t>(config.block_k / kStepK, steps);
  const std::int64_t acc_tokens = round_up(std::min<std::int64_t>(config.block_m, max_rows), 16);
  const std::int64_t panels = std::min(panel_count(shape.op, shape.n), config.block_n / panel_columns(shape.op));

  WorkspaceLayout layout;
  // Sized for the widest operand, so that one workspace serves every type.
  const std::int64_t tile_bytes = steps * isa.token_step_bytes * isa.token_split + isa.token_tile_pad;
  layout.buffer_bytes = block_steps * isa.buffer_step_bytes;
  std::size_t total = 0;
  layout.group_tiles = take(total, shape.groups + 1, sizeof(std::int64_t));
  layout.token_blocks = take(total, blocks, sizeof(TokenBlock));
  layout.tasks = take(total, blocks * tasks_per_token_block(config, shape), sizeof(Task));
  layout.tokens = take(total, tiles, tile_bytes);
  layout.hand_overs = take(total, divide_up(config.threads, 2), sizeof(HandOver));
  std::size_t scratch = 0;
  take(scratch, config.dequant_stages, layout.buffer_bytes);
  take(scratch, panels * acc_tokens, kPanelRows * static_cast<std::int64_t>(sizeof(float)));
  layout.scratch_per_thread = scratch;
  layout.scratch = take(total, config.threads, static_cast<std::int64_t>(scratch));
  layout.total = total;
  return layout;
}

std::size_t workspace_bytes(const CpuConfig& config, const WeightsShape& shape, std::int64_t max_rows) {
  // Automatic fields depend on the rows of a call, so the bound takes the largest that resolve() can pick, and for the
  // number of tasks the smallest.
  const ShapeSummary summary{.op = shape.op,
                             .groups = shape.groups,
                             .total_m = max_rows,
                             .largest_m = max_rows,
                             .n = shape.n,
                             .k = shape.k,
                             .groups_with_rows = std::min(shape.groups, max_rows)};
  CpuConfig large = resolve(config, summary, OutputType::fp32);
  if (config.block_n == 0) large.block_n = static_cast<std::int32_t>(kMaxAutoBlockN);
  if (config.dequant_stages == 0 && large.isa == Isa::amx) large.dequant_stages = kMaxAutoStages;
  CpuConfig many = large;
  if (config.block_n == 0) many.block_n = 32;
  const std::size_t scratch_bound = layout_workspace(large, shape, max_rows).total;
  const std::int64_t extra_tasks = max_token_blocks(many, shape.groups, max_rows) *
                                   (tasks_per_token_block(many, shape) - tasks_per_token_block(large, shape));
  std::size_t total = scratch_bound;
  take(total, extra_tasks, sizeof(Task));
  return total;
}

}  // namespace thresher::cpu
