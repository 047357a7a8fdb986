// The CPU driver: packs tokens, makes tasks longest first, and lets threads dequantise, multiply and finish them.
//
//   tokens   packed once a call into the workspace, in the order that the instruction set multiplies
//   task     a token block x a range of panels; threads take the next one from a counter
//   item     a panel x a k block of a task: dequantised into a buffer, multiplied with all tokens of the block
//   chunk    k blocks of a task whose tokens fit the cache: every panel passes over one chunk before the next
//
// NOTE: an accumulator sums its k blocks in one fixed order in one thread, so neither the number of threads nor the
// scheduling changes a bit of the result.
#include "cpu/grouped_gemm.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "cpu/hand_over.hpp"
#include "cpu/item_grid.hpp"
#include "cpu/packed_storage.hpp"
#include "cpu/panel_layout.hpp"
#include "cpu/thread_mode.hpp"
#include "cpu/workspace.hpp"
#include "format/quantize.hpp"

namespace thresher::cpu {
namespace {

// Everything the threads of a call share. Lives on the caller's stack.
struct Call {
  const PackedWeights::Storage& weights;
  const GroupedGemmArgs& args;
  const CpuConfig& config;
  const IsaKernels& isa;
  WorkspaceLayout layout;
  std::int64_t* group_tiles;
  TokenBlock* token_blocks;
  Task* tasks;
  std::uint8_t* tokens;
  HandOver* hand_overs;
  std::int64_t token_block_count = 0;
  std::int64_t task_count = 0;
  std::int64_t task_panels = 0;
  std::int64_t block_steps = 0;
  std::int64_t k_blocks = 0;
  std::int64_t token_terms = 1;  // 2 when fp16 activations are split
  std::int64_t tile_bytes = 0;   // from one token tile to the next
  std::atomic<std::int64_t> next_task{0};
  std::atomic<std::int64_t> next_tile{0};
};

// What a thread counted; added to the report when it is done.
struct Counts {
  std::int64_t tasks = 0, panels = 0, ahead = 0, handed_over = 0, prefetched = 0, streamed = 0;
};

std::int64_t rows_of(const Call& call, std::int64_t group) {
  const auto g = static_cast<std::size_t>(group);
  return call.args.offsets[g + 1] - call.args.offsets[g];
}

// A group of few tokens is multiplied straight from packed weights, without a buffer, and its tokens lie interleaved.
bool is_direct(const Call& call, std::int64_t group) {
  const std::int64_t rows = rows_of(call, group);
  return call.config.dequant_stages == 1 && call.config.roles == Roles::fused && rows <= call.isa.direct_tokens &&
         rows <= call.config.block_m;
}

// ---- plan -----------------------------------------------------------------------------------------------------------

void plan_token_blocks(Call& call) {
  std::int64_t tiles = 0;
  for (std::int64_t group = 0; group < call.weights.shape.groups; ++group) {
    call.group_tiles[group] = tiles;
    const std::int64_t rows = rows_of(call, group);
    tiles += divide_up(rows, call.isa.token_tile);
    const std::int64_t blocks = divide_up(rows, call.config.block_m);
    std::int64_t first = 0;
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t even = round_up(divide_up(rows - first, blocks - block), 16);
      const std::int64_t count = std::min(even, rows - first);
      call.token_blocks[call.token_block_count++] = {static_cast<std::int32_t>(group), static_cast<std::int32_t>(first),
                                                     static_cast<std::int32_t>(count)};
      first += count;
      if (first == rows) break;
    }
  }
  call.group_tiles[call.weights.shape.groups] = tiles;
  // Longest first: the last task to end is then a short one. Ties keep the order of the groups.
  std::sort(call.token_blocks, call.token_blocks + call.token_block_count,
            [](const TokenBlock& a, const TokenBlock& b) {
              return a.rows != b.rows ? a.rows > b.rows : (a.group != b.group ? a.group < b.group : a.first < b.first);
            });
}

void plan_tasks(Call& call) {
  call.task_panels = std::min(call.weights.panels, call.config.block_n / panel_columns(call.weights.shape.op));
  call.block_steps = std::min<std::int64_t>(call.config.block_k / kStepK, call.weights.steps);
  call.k_blocks = divide_up(call.weights.steps, call.block_steps);
  for (std::int64_t block = 0; block < call.token_block_count; ++block) {
    for (std::int64_t panel = 0; panel < call.weights.panels; panel += call.task_panels) {
      call.tasks[call.task_count++] = {static_cast<std::int32_t>(block), static_cast<std::int32_t>(panel)};
    }
  }
}

Call plan_call(const PackedWeights::Storage& weights, const GroupedGemmArgs& args, const CpuConfig& config) {
  std::byte* base = args.workspace.data();
  const WorkspaceLayout layout = layout_workspace(config, weights.shape, args.a.rows);
  return Call{.weights = weights,
              .args = args,
              .config = config,
              .isa = *kernels(config.isa),
              .layout = layout,
              .group_tiles = reinterpret_cast<std::int64_t*>(base + layout.group_tiles),
              .token_blocks = reinterpret_cast<TokenBlock*>(base + layout.token_blocks),
              .tasks = reinterpret_cast<Task*>(base + layout.tasks),
              .tokens = reinterpret_cast<std::uint8_t*>(base + layout.tokens),
              .hand_overs = reinterpret_cast<HandOver*>(base + layout.hand_overs)};
}

// ---- tokens ---------------------------------------------------------------------------------------------------------

void pack_tokens(Call& call) {
  const TokenSource source{static_cast<int>(call.args.a.type), call.args.a.data, call.args.a.scales, call.args.a.k};
  const std::int64_t groups = call.weights.shape.groups;
  const std::int64_t tiles = call.group_tiles[groups];
  // A few tiles at a time: enough that the counter is not a bottleneck, few enough to stay balanced.
  const std::int64_t batch = std::max<std::int64_t>(1, tiles / (8 * call.config.threads));
  for (;;) {
    const std::int64_t first = call.next_tile.fetch_add(batch, std::memory_order_relaxed);
    if (first >= tiles) break;
    const std::int64_t end = std::min(first + batch, tiles);
    for (std::int64_t tile = first; tile < end; ++tile) {
      const std::int64_t group =
          std::upper_bound(call.group_tiles, call.group_tiles + groups + 1, tile) - call.group_tiles - 1;
      const std::int64_t in_group = (tile - call.group_tiles[group]) * call.isa.token_tile;
      const std::int64_t count = std::min(call.isa.token_tile, rows_of(call, group) - in_group);
      const bool direct = is_direct(call, group);
      const std::int64_t at = direct ? call.group_tiles[group] * call.tile_bytes + in_group * call.isa.vector_bytes
                                     : tile * call.tile_bytes;
      call.isa.pack_tokens(source, call.args.offsets[static_cast<std::size_t>(group)] + in_group, count,
                           call.weights.steps, call.tokens + at,
                           call.isa.vector_bytes * (direct ? rows_of(call, group) : 1));
    }
  }
}

// ---- tasks ----------------------------------------------------------------------------------------------------------

struct TaskView {
  TokenBlock block;
  std::int64_t first_panel;
  ItemGrid grid;
};

TaskView view_task(const Call& call, std::int64_t index) {
  const Task task = call.tasks[index];
  const TokenBlock block = call.token_blocks[task.token_block];
  const std::int64_t block_bytes =
      divide_up(block.rows, call.isa.token_tile) * call.block_steps * call.isa.token_step_bytes * call.token_terms;
  // Few tokens stay in cache whatever the chunk, and without a buffer weights are best read straight on.
  const std::int64_t chunk_blocks =
      is_direct(call, block.group)
          ? call.k_blocks
          : std::clamp<std::int64_t>(call.isa.token_chunk_bytes / block_bytes, 1, call.k_blocks);
  return {block, task.first_panel,
          ItemGrid{.panels = std::min(call.task_panels, call.weights.panels - task.first_panel),
                   .steps = call.weights.steps,
                   .block_steps = call.block_steps,
                   .chunk_blocks = chunk_blocks}};
}

const std::uint8_t* packed_at(const Call& call, const TaskView& task, const Item& item) {
  return call.weights.panel(task.block.group, task.first_panel + item.panel) + item.first_step * kStepBytes;
}

DequantRun item_run(const Call& call, const TaskView& task, std::int64_t index, std::uint8_t* buffer) {
  const Item item = task.grid.item(index);
  DequantRun run{};
  run.packed = packed_at(call, task, item);
  run.buffer = buffer;
  run.steps = item.steps;
  run.prefetch_bytes = call.config.prefetch_distance;
  run.contiguous = (item.chunk_end - item.first_step) * kStepBytes;
  // Which task a thread takes next is not known yet; most likely its weights come straight after this one's.
  run.following = item.next_chunk < task.grid.items() ? packed_at(call, task, task.grid.item(item.next_chunk))
                                                      : run.packed + run.contiguous;
  return run;
}

// Where an item's operands and sums lie.
struct ItemPlace {
  const std::uint8_t* tokens;
  std::int64_t steps;
  float* acc;
  int accumulate;
};

ItemPlace place_item(const Call& call, const TaskView& task, std::int64_t index, float* acc) {
  const Item item = task.grid.item(index);
  const std::int64_t tile = call.group_tiles[task.block.group] + task.block.first / call.isa.token_tile;
  return {call.tokens + tile * call.tile_bytes + item.first_step * call.isa.token_step_bytes * call.token_terms,
          item.steps, acc + item.panel * round_up(task.block.rows, 16) * kPanelRows, item.first_step > 0 ? 1 : 0};
}

void multiply_item(const Call& call, const TaskView& task, std::int64_t item, const std::uint8_t* buffer, float* acc,
                   DequantRun* ahead) {
  const ItemPlace place = place_item(call, task, item, acc);
  call.isa.multiply({.buffer = buffer,
                     .tokens = place.tokens,
                     .tile_stride = call.tile_bytes,
                     .token_count = task.block.rows,
                     .steps = place.steps,
                     .acc = place.acc,
                     .accumulate = place.accumulate,
                     .split = call.token_terms == 2 ? 1 : 0,
                     .ahead = ahead});
}

void multiply_item_direct(const Call& call, const TaskView& task, std::int64_t item, float* acc, Counts& counts) {
  const ItemPlace place = place_item(call, task, item, acc);
  const DequantRun run = item_run(call, task, item, nullptr);
  const bool interleaved = call.isa.vector_bytes > 0;
  const std::uint8_t* tokens = call.tokens + call.group_tiles[task.block.group] * call.tile_bytes +
                               task.grid.item(item).first_step * call.isa.token_step_bytes * task.block.rows;
  call.isa.dot_packed({.packed = run.packed,
                       .tokens = interleaved ? tokens : place.tokens,
                       .token_count = task.block.rows,
                       .steps = place.steps,
                       .acc = place.acc,
                       .accumulate = place.accumulate,
                       .split = call.token_terms == 2 ? 1 : 0,
                       .prefetch_bytes = run.prefetch_bytes,
                       .lines_prefetched = &counts.prefetched});
  ++counts.panels;
}

std::int64_t output_bits(OutputType type) {
  return type == OutputType::nvfp4 ? 4 : (type == OutputType::fp32 ? 32 : 16);
}

void finish_task(const Call& call, const TaskView& task, const float* acc, Counts& counts) {
  const GroupedGemmArgs& args = call.args;
  const WeightsShape& shape = call.weights.shape;
  const auto group = static_cast<std::size_t>(task.block.group);
  const float a_scale = args.a.type != OperandType::nvfp4  ? 1.0f
                        : args.a.global_scales.size() == 1 ? args.a.global_scales[0]
                                                           : args.a.global_scales[group];
  const std::int64_t first_column = task.first_panel * panel_columns(shape.op);
  const std::int64_t row = args.offsets[group] + task.block.first;
  const auto bias_at = static_cast<std::size_t>(task.block.group * shape.n + first_column);
  const std::int64_t row_bytes = shape.n * output_bits(args.out.type) / 8;
  const std::int64_t scale_row_bytes = shape.n / kScaleBlock;
  FinishArgs finish{.acc = acc,
                    .panel_stride = round_up(task.block.rows, 16) * kPanelRows,
                    .panels = task.grid.panels,
                    .token_count = task.block.rows,
                    .gated = shape.op == Op::gated ? 1 : 0,
                    .alpha_gate = a_scale * call.weights.global_scales[2 * group],
                    .alpha_up = a_scale * call.weights.global_scales[2 * group + 1],
                    .bias_gate = args.bias.empty() ? nullptr : args.bias.data() + bias_at,
                    .bias_up = args.bias_up.empty() ? nullptr : args.bias_up.data() + bias_at,
                    .activation = static_cast<int>(args.activation.kind),
                    .act_alpha = args.activation.alpha,
                    .act_beta = args.activation.beta,
                    .act_limit = args.activation.limit,
                    .output = static_cast<int>(args.out.type),
                    .out = static_cast<std::uint8_t*>(args.out.data) + row * row_bytes +
                           first_column * output_bits(args.out.type) / 8,
                    .out_row_bytes = row_bytes,
                    .out_scales = args.out.type == OutputType::nvfp4
                                      ? args.out.scales + row * scale_row_bytes + first_column / kScaleBlock
                                      : nullptr,
                    .out_scale_row_bytes = scale_row_bytes,
                    .out_global_scale = args.out.global_scale,
                    .columns = std::min(shape.n - first_column, task.grid.panels * panel_columns(shape.op)),
                    .streaming = call.config.store == StoreMode::streaming ? 1 : 0,
                    .lines_streamed = 0,
                    .quantize_block = quantize_block16};
  call.isa.finish(finish);
  counts.streamed += finish.lines_streamed;
  ++counts.tasks;
}

void dequantise_all(const Call& call, DequantRun& run, Counts& counts) {
  call.isa.dequantise(run, quarters_of(run));
  counts.prefetched += run.lines_prefetched;
  ++counts.panels;
}

void run_task_direct(const Call& call, const TaskView& task, const Scratch& scratch, Counts& counts) {
  for (std::int64_t item = 0; item < task.grid.items(); ++item) {
    multiply_item_direct(call, task, item, scratch.acc, counts);
  }
  finish_task(call, task, scratch.acc, counts);
}

// Dequantises and multiplies a task alone, `stages - 1` items ahead.
void run_task_fused(const Call& call, const TaskView& task, const Scratch& scratch, Counts& counts) {
  const std::int64_t stages = call.config.dequant_stages;
  const auto buffer = [&](std::int64_t item) { return scratch.buffers + item % stages * scratch.buffer_bytes; };
  for (std::int64_t item = 0; item < std::min(stages - 1, task.grid.items()); ++item) {
    DequantRun run = item_run(call, task, item, buffer(item));
    dequantise_all(call, run, counts);
  }
  for (std::int64_t item = 0; item < task.grid.items(); ++item) {
    const std::int64_t next = item + stages - 1;
    if (next >= task.grid.items()) {
      multiply_item(call, task, item, buffer(item), scratch.acc, nullptr);
      continue;
    }
    DequantRun run = item_run(call, task, next, buffer(next));
    if (stages == 1) {
      dequantise_all(call, run, counts);
      multiply_item(call, task, item, buffer(item), scratch.acc, nullptr);
    } else {
      multiply_item(call, task, item, buffer(item), scratch.acc, &run);
      counts.ahead += run.next > 0 ? 1 : 0;
      dequantise_all(call, run, counts);
    }
  }
  finish_task(call, task, scratch.acc, counts);
}

void run_fused(Call& call, const Scratch& scratch, Counts& counts) {
  for (;;) {
    const std::int64_t index = call.next_task.fetch_add(1, std::memory_order_relaxed);
    if (index >= call.task_count) break;
    const TaskView task = view_task(call, index);
    if (is_direct(call, task.block.group)) {
      run_task_direct(call, task, scratch, counts);
    } else {
      run_task_fused(call, task, scratch, counts);
    }
  }
}

// ---- specialised roles ----------------------------------------------------------------------------------------------

// Dequantises the items of tasks, one after another, into the partner's ring.
void run_producer(Call& call, HandOver& ring, const Scratch& partner, Counts& counts) {
  const std::int64_t stages = call.config.dequant_stages;
  std::int64_t number = 0;
  const auto publish = [&](std::int64_t task) {
    ring.task[number % HandOver::kSlots] = task;
    ring.produced.store(++number, std::memory_order_release);
  };
  for (;;) {
    const std::int64_t index = call.next_task.fetch_add(1, std::memory_order_relaxed);
    if (index >= call.task_count) break;
    const TaskView task = view_task(call, index);
    for (std::int64_t item = 0; item < task.grid.items(); ++item) {
      wait_beyond(ring.consumed, number - stages);
      DequantRun run = item_run(call, task, item, partner.buffers + number % stages * partner.buffer_bytes);
      dequantise_all(call, run, counts);
      ++counts.ahead;
      ++counts.handed_over;
      publish(index);
    }
  }
  wait_beyond(ring.consumed, number - stages);
  publish(HandOver::kNoMoreTasks);
}

void run_consumer(Call& call, HandOver& ring, const Scratch& scratch, Counts& counts) {
  const std::int64_t stages = call.config.dequant_stages;
  std::int64_t number = 0;
  for (;;) {
    wait_beyond(ring.produced, number);
    const std::int64_t index = ring.task[number % HandOver::kSlots];
    if (index == HandOver::kNoMoreTasks) break;
    const TaskView task = view_task(call, index);
    for (std::int64_t item = 0; item < task.grid.items(); ++item) {
      wait_beyond(ring.produced, number);
      multiply_item(call, task, item, scratch.buffers + number % stages * scratch.buffer_bytes, scratch.acc, nullptr);
      ring.consumed.store(++number, std::memory_order_release);
    }
    finish_task(call, task, scratch.acc, counts);
  }
}

// ---- threads --------------------------------------------------------------------------------------------------------

Scratch scratch_of(const Call& call, int thread) {
  std::byte* base = call.args.workspace.data() + call.layout.scratch +
                    static_cast<std::size_t>(thread) * call.layout.scratch_per_thread;
  const auto buffers = reinterpret_cast<std::uint8_t*>(base);
  return {buffers, call.layout.buffer_bytes,
          reinterpret_cast<float*>(buffers + call.config.dequant_stages * call.layout.buffer_bytes)};
}

void run_thread(Call& call, int thread, int team, Counts& counts) {
  const DefaultFloatMode mode;
  if (call.isa.enter != nullptr) call.isa.enter();
  pack_tokens(call);
#pragma omp barrier
  const Scratch scratch = scratch_of(call, thread);
  const bool has_partner = (thread ^ 1) < team;
  if (call.config.roles == Roles::fused || !has_partner) {
    run_fused(call, scratch, counts);
  } else if (thread % 2 == 0) {
    run_producer(call, call.hand_overs[thread / 2], scratch_of(call, thread + 1), counts);
  } else {
    run_consumer(call, call.hand_overs[thread / 2], scratch, counts);
  }
  if (call.config.store == StoreMode::streaming) order_streaming_stores();
  if (call.isa.leave != nullptr) call.isa.leave();
}

void add(CallReport& report, const Counts& counts) {
  report.tasks += counts.tasks;
  report.panels_dequantised += counts.panels;
  report.panels_ahead += counts.ahead;
  report.panels_handed_over += counts.handed_over;
  report.lines_prefetched += counts.prefetched;
  report.lines_streamed += counts.streamed;
}

}  // namespace

void run(const PackedWeights::Storage& weights, const GroupedGemmArgs& args, const CpuConfig& config) {
  Call call = plan_call(weights, args, config);
  call.token_terms = args.a.type == OperandType::fp16 ? call.isa.token_split : 1;
  call.tile_bytes = weights.steps * call.isa.token_step_bytes * call.token_terms + call.isa.token_tile_pad;
  plan_token_blocks(call);
  plan_tasks(call);
  for (std::int64_t pair = 0; pair < divide_up(config.threads, 2); ++pair) {
    new (&call.hand_overs[pair]) HandOver{};
  }
  CallReport report{.isa = config.isa, .config = config, .token_blocks = call.token_block_count};
#pragma omp parallel num_threads(config.threads)
  {
    Counts counts;
    run_thread(call, omp_get_thread_num(), omp_get_num_threads(), counts);
#pragma omp critical(thresher_cpu_report)
    {
      add(report, counts);
      ++report.threads;
    }
  }
  if (args.report != nullptr) *args.report = report;
}

}  // namespace thresher::cpu
