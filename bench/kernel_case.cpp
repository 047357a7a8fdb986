// Data, steps and check of the kernel benchmarks.
#include "kernel_case.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "cpu/grouped_gemm.hpp"
#include "cpu/panel_layout.hpp"
#include "format/quantize.hpp"
#include "reference/compare.hpp"
#include "thresher/error.hpp"

namespace thresher::bench {
namespace {

constexpr std::uint64_t kSeed = 7;
// 512 elements of k: a dequantised bf16 panel of 32 KB, about what a level 1 cache holds.
constexpr std::int64_t kBlockSteps = 16;
constexpr std::int64_t kCheckedRows = 16;
constexpr std::int64_t kCheckedColumns = 64;

template <typename T>
std::shared_ptr<T> aligned(std::int64_t bytes) {
  const std::int64_t size = cpu::round_up(std::max<std::int64_t>(bytes, 1), 4096);
  // A page, so that no benchmark is lucky or unlucky with where its data starts.
  void* data = std::aligned_alloc(4096, static_cast<std::size_t>(size));
  if (data == nullptr) throw std::bad_alloc();
  std::fill_n(static_cast<std::uint8_t*>(data), size, std::uint8_t{0xFF});
  return std::shared_ptr<T>(static_cast<T*>(data), [](T* memory) { std::free(memory); });
}

Problem problem_of(const CaseShape& shape) {
  return {.op = shape.op,
          .m = {shape.tokens},
          .n = shape.panels * cpu::panel_columns(shape.op),
          .k = shape.k,
          .operand = shape.operand,
          .output = shape.output,
          .activation = {},
          .bias = false};
}

std::int64_t bits_of(OutputType type) {
  return type == OutputType::nvfp4 ? 4 : type == OutputType::fp32 ? 32 : 16;
}

}  // namespace

std::vector<Isa> usable_isas() {
  std::vector<Isa> usable;
  for (const IsaStatus& status : cpu_isas()) {
    if (status.usable && cpu::kernels(status.isa) != nullptr) usable.push_back(status.isa);
  }
  return usable;
}

KernelCase::KernelCase(Isa isa, const CaseShape& shape)
    : shape_(shape),
      kernels_(*cpu::kernels(isa)),
      data_(generate(problem_of(shape), Recipe::normal, kSeed)),
      weights_({.op = shape.op, .groups = 1, .n = data_.problem.n, .k = shape.k}),
      steps_(cpu::step_count(shape.k)),
      terms_(shape.operand == OperandType::fp16 ? kernels_.token_split : 1),
      tile_bytes_(steps_ * kernels_.token_step_bytes * terms_ + kernels_.token_tile_pad),
      out_row_bytes_(data_.problem.n * bits_of(shape.output) / 8) {
  tile_bytes_ = cpu::round_up(tile_bytes_, static_cast<std::int64_t>(cpu::kCacheLine));
  if (shape.op == Op::gated) {
    weights_.pack(0, data_.gate[0].view(), data_.up[0].view());
  } else {
    weights_.pack(0, data_.gate[0].view());
  }
  tokens_ = aligned<std::uint8_t>(cpu::divide_up(shape.tokens, kernels_.token_tile) * tile_bytes_);
  buffer_ = aligned<std::uint8_t>(kBlockSteps * kernels_.buffer_step_bytes);
  acc_ = aligned<float>(cpu::round_up(shape.tokens, 16) * cpu::kPanelRows * static_cast<std::int64_t>(sizeof(float)));
  out_ = aligned<std::uint8_t>(shape.tokens * out_row_bytes_);
  out_scales_.resize(static_cast<std::size_t>(shape.tokens * cpu::divide_up(data_.problem.n, kScaleBlock)));
  if (kernels_.enter != nullptr) kernels_.enter();
  verify();
}

KernelCase::~KernelCase() {
  if (kernels_.leave != nullptr) kernels_.leave();
}

std::int64_t KernelCase::blocks() const {
  return cpu::divide_up(steps_, kBlockSteps);
}

std::int64_t KernelCase::block_steps(std::int64_t block) const {
  return std::min(kBlockSteps, steps_ - block * kBlockSteps);
}

void KernelCase::pack_tokens() {
  const OperandView a = data_.a();
  const cpu::TokenSource source{.kind = static_cast<int>(a.type), .data = a.data, .scales = a.scales, .k = a.k};
  for (std::int64_t first = 0; first < shape_.tokens; first += kernels_.token_tile) {
    kernels_.pack_tokens(source, first, std::min(kernels_.token_tile, shape_.tokens - first), steps_,
                         tokens_.get() + first / kernels_.token_tile * tile_bytes_, kernels_.vector_bytes);
  }
}

std::int64_t KernelCase::dequantise(std::int64_t panel, std::int64_t block) {
  cpu::DequantRun run{};
  run.packed = weights_.storage().panel(0, panel) + block * kBlockSteps * cpu::kStepBytes;
  run.buffer = buffer_.get();
  run.steps = block_steps(block);
  kernels_.dequantise(run, cpu::quarters_of(run));
  return run.steps * cpu::kStepK * cpu::kPanelRows;
}

double KernelCase::multiply(std::int64_t block) {
  cpu::MultiplyArgs args{};
  args.buffer = buffer_.get();
  args.tokens = tokens_.get() + block * kBlockSteps * kernels_.token_step_bytes * terms_;
  args.tile_stride = tile_bytes_;
  args.token_count = shape_.tokens;
  args.steps = block_steps(block);
  args.acc = acc_.get();
  args.accumulate = block > 0 ? 1 : 0;
  args.split = terms_ == 2 ? 1 : 0;
  kernels_.multiply(args);
  return 2.0 * static_cast<double>(args.steps * cpu::kStepK * cpu::kPanelRows * shape_.tokens);
}

std::int64_t KernelCase::finish(std::int64_t panel, bool streaming) {
  const std::int64_t columns = cpu::panel_columns(shape_.op);
  const std::int64_t first = panel * columns;
  const float a_scale = data_.a_global_scales.empty() ? 1.0f : data_.a_global_scales[0];
  cpu::FinishArgs args{};
  args.acc = acc_.get();
  args.panel_stride = cpu::round_up(shape_.tokens, 16) * cpu::kPanelRows;
  args.panels = 1;
  args.token_count = shape_.tokens;
  args.gated = shape_.op == Op::gated ? 1 : 0;
  args.alpha_gate = a_scale * data_.gate[0].global_scale;
  args.alpha_up = data_.up.empty() ? 0.0f : a_scale * data_.up[0].global_scale;
  args.activation = static_cast<int>(data_.problem.activation.kind);
  args.act_alpha = data_.problem.activation.alpha;
  args.act_beta = data_.problem.activation.beta;
  args.act_limit = data_.problem.activation.limit;
  args.output = static_cast<int>(shape_.output);
  args.out = out_.get() + first * bits_of(shape_.output) / 8;
  args.out_row_bytes = out_row_bytes_;
  args.out_scales = out_scales_.data() + first / kScaleBlock;
  args.out_scale_row_bytes = data_.problem.n / kScaleBlock;
  args.out_global_scale = data_.out_global_scale;
  args.columns = columns;
  args.streaming = streaming ? 1 : 0;
  args.quantize_block = quantize_block16;
  kernels_.finish(args);
  return shape_.tokens * columns;
}

void KernelCase::verify() {
  pack_tokens();
  for (std::int64_t panel = 0; panel < shape_.panels; ++panel) {
    for (std::int64_t block = 0; block < blocks(); ++block) {
      dequantise(panel, block);
      multiply(block);
    }
    finish(panel);
  }
  const auto sample = reference::select_sample(data_.problem, kCheckedRows, kCheckedColumns, kSeed);
  const OutputView out{.type = shape_.output,
                       .data = out_.get(),
                       .scales = shape_.output == OutputType::nvfp4 ? out_scales_.data() : nullptr,
                       .global_scale = data_.out_global_scale,
                       .rows = shape_.tokens,
                       .n = data_.problem.n};
  const reference::Comparison comparison = reference::compare(reference::compute(data_, &sample), data_, out);
  if (!comparison.ok()) {
    throw Error(ErrorCode::internal,
                std::string(kernels_.name) + ": wrong answer, not timed: " + comparison.first_failure);
  }
}

}  // namespace thresher::bench
