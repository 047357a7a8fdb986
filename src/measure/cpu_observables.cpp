// Observables from the layout arithmetic that the kernels themselves use.
#include "measure/cpu_observables.hpp"

#include <algorithm>
#include <string_view>

#include "cpu/panel_layout.hpp"
#include "cpu/workspace.hpp"
#include "device/floor.hpp"
#include "device/waves.hpp"

namespace thresher::measure {
namespace {

// Rows of every token block, as a call cuts its groups.
std::vector<std::int64_t> token_blocks(const Problem& problem, std::int64_t block_m) {
  std::vector<std::int64_t> blocks;
  for (const std::int64_t rows : problem.m) {
    const std::int64_t count = cpu::divide_up(rows, block_m);
    std::int64_t first = 0;
    for (std::int64_t block = 0; block < count && first < rows; ++block) {
      const std::int64_t even = cpu::round_up(cpu::divide_up(rows - first, count - block), 16);
      blocks.push_back(std::min(even, rows - first));
      first += blocks.back();
    }
  }
  return blocks;
}

// Whole 64-byte lines of every row piece that a task stores.
double streamed_bytes(const Problem& problem, const CpuConfig& config) {
  if (config.store != StoreMode::streaming) return 0.0;
  constexpr std::int64_t kLine = 64;
  const std::int64_t element = problem.output == OutputType::fp32 ? 4 : 2;
  std::int64_t bytes = 0;
  for (std::int64_t column = 0; column < problem.n; column += config.block_n) {
    const std::int64_t columns = std::min<std::int64_t>(config.block_n, problem.n - column);
    bytes += columns * element / kLine * kLine;
  }
  return static_cast<double>(bytes) * static_cast<double>(problem.total_m());
}

class Collector {
 public:
  template <typename T>
  void add(std::string_view name, T value) {
    values_.push_back({std::string(name), static_cast<double>(value)});
  }
  void add(std::string_view name, std::optional<double> value) {
    if (value) values_.push_back({std::string(name), *value});
  }
  [[nodiscard]] std::vector<Observable> take() { return std::move(values_); }

 private:
  std::vector<Observable> values_;
};

void add_memory(const Problem& problem, const CpuConfig& config, const DeviceFacts& device, std::int64_t largest_block,
                Collector& facts) {
  const WeightsShape shape{.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k};
  const cpu::WorkspaceLayout layout = cpu::layout_workspace(config, shape, problem.total_m());
  facts.add("panel_buffer_bytes", layout.buffer_bytes);
  facts.add("panel_buffers", config.dequant_stages);
  facts.add("buffer_share_of_l1",
            static_cast<double>(layout.buffer_bytes) * config.dequant_stages / static_cast<double>(device.l1d_bytes));
  const std::int64_t steps =
      std::min<std::int64_t>(cpu::divide_up(config.block_k, cpu::kStepK), cpu::step_count(problem.k));
  const cpu::IsaKernels& isa = *cpu::kernels(config.isa);
  const std::int64_t terms = problem.operand == OperandType::fp16 ? isa.token_split : 1;
  const std::int64_t tokens = cpu::divide_up(largest_block, isa.token_tile) * steps * isa.token_step_bytes * terms;
  facts.add("token_block_bytes", tokens);
  facts.add("token_share_of_l2", static_cast<double>(tokens) / static_cast<double>(device.l2_bytes));
  const std::int64_t panels =
      std::min(cpu::panel_count(problem.op, problem.n), config.block_n / cpu::panel_columns(problem.op));
  facts.add("accumulators_per_task", panels * cpu::kPanelRows * cpu::round_up(largest_block, 16));
  facts.add("workspace_bytes", layout.total);
}

void add_weights(const Problem& problem, std::size_t blocks, Collector& facts) {
  const std::int64_t steps = cpu::panel_count(problem.op, problem.n) * cpu::step_count(problem.k);
  const auto groups = static_cast<double>(
      std::count_if(problem.m.begin(), problem.m.end(), [](std::int64_t rows) { return rows > 0; }));
  const double products = problem.op == Op::gated ? 2.0 : 1.0;
  const double group_bytes = static_cast<double>(steps * cpu::kStepBytes);
  facts.add("weight_bytes", groups * static_cast<double>(steps * cpu::kStepCodeBytes));
  facts.add("scale_bytes", groups * static_cast<double>(steps * cpu::kStepScaleBytes));
  facts.add("bytes_per_element", group_bytes / (products * static_cast<double>(problem.n * problem.k)));
  facts.add("weight_bytes_read", static_cast<double>(blocks) * group_bytes);
  if (groups > 0) facts.add("weight_passes", static_cast<double>(blocks) / groups);
}

void add_schedule(const Problem& problem, const CpuConfig& config, const std::vector<std::int64_t>& blocks,
                  Collector& facts) {
  const WeightsShape shape{.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k};
  const auto count = static_cast<std::int64_t>(blocks.size());
  const std::int64_t tasks = count * cpu::tasks_per_token_block(config, shape);
  // A thread without a partner dequantises for itself.
  const bool specialised = config.roles == Roles::specialised;
  const std::int64_t computing = specialised ? cpu::divide_up(config.threads, 2) : config.threads;
  const std::int64_t dequantising = specialised ? cpu::divide_up(config.threads, 2) : config.threads;
  const device::Waves waves = device::waves(tasks, computing);
  if (count > 0) {
    facts.add("tokens_per_task", static_cast<double>(problem.total_m()) / static_cast<double>(count));
  }
  facts.add("k_blocks", cpu::divide_up(cpu::step_count(problem.k), config.block_k / cpu::kStepK));
  facts.add("tasks", tasks);
  facts.add("waves", waves.waves());
  facts.add("tail_utilisation", waves.tail_utilisation());
  facts.add("utilisation", waves.utilisation());
  facts.add("computing_threads", computing);
  facts.add("padding_fraction", device::padding_fraction(blocks, 16));
  facts.add("bytes_in_flight", static_cast<double>(config.prefetch_distance) * static_cast<double>(dequantising));
  facts.add("store_bytes_past_cache", streamed_bytes(problem, config));
}

}  // namespace

std::vector<Observable> compiled_observables(const Problem& problem, const CpuConfig& config, const DeviceFacts& device,
                                             double floor_seconds) {
  Collector facts;
  const std::vector<std::int64_t> blocks = token_blocks(problem, config.block_m);
  const std::int64_t largest = blocks.empty() ? 0 : *std::max_element(blocks.begin(), blocks.end());
  add_memory(problem, config, device, largest, facts);
  add_weights(problem, blocks.size(), facts);
  add_schedule(problem, config, blocks, facts);
  const device::Work work = device::work_of(problem);
  if (work.bytes() > 0.0) facts.add("arithmetic_intensity", work.flops / work.bytes());
  const double memory_seconds = work.bytes() / device.ceilings.read_bytes_per_second;
  facts.add("compute_bound", floor_seconds > memory_seconds ? 1.0 : 0.0);
  facts.add("floor_us", floor_seconds * 1e6);
  return facts.take();
}

std::vector<Observable> measured_observables(const CallReport* report, double seconds, double floor_seconds) {
  Collector facts;
  if (report != nullptr) {
    facts.add("tasks_run", report->tasks);
    facts.add("token_blocks", report->token_blocks);
    facts.add("threads_used", report->threads);
    facts.add("panels_dequantised", report->panels_dequantised);
    facts.add("panels_ahead", report->panels_ahead);
    facts.add("panels_handed_over", report->panels_handed_over);
    facts.add("lines_prefetched", report->lines_prefetched);
    facts.add("lines_streamed", report->lines_streamed);
  }
  facts.add("call_us", seconds * 1e6);
  facts.add("floor_fraction", floor_seconds / seconds);
  return facts.take();
}

}  // namespace thresher::measure
