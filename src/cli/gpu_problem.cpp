// Uploading, poisoning, running and downloading.
#include "cli/gpu_problem.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "gpu/gpu_engine_access.hpp"

namespace thresher::cli {
namespace {

constexpr std::size_t kFence = 4096;
// What a workspace asks for, more than the driver promises of an allocation.
constexpr std::size_t kAlignment = 1024;

template <typename T>
gpu::DeviceBuffer upload(const gpu::ContextRef& context, const std::vector<T>& values) {
  gpu::DeviceBuffer buffer(context, values.size() * sizeof(T));
  if (buffer.bytes() > 0) context->copy_to_device(buffer.get(), values.data(), buffer.bytes());
  return buffer;
}

// Null for no bytes, as a call takes what is left out.
template <typename T, typename Buffer>
T* pointer(const Buffer& buffer) {
  return buffer.bytes() == 0 ? nullptr : reinterpret_cast<T*>(buffer.get());
}

WeightsShape shape_of(const Problem& problem) {
  return {.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k};
}

gpu::DeviceBuffer upload_tokens(const gpu::ContextRef& context, const ProblemData& inputs) {
  return inputs.problem.operand == OperandType::nvfp4 ? upload(context, inputs.a_nvfp4.codes)
                                                      : upload(context, inputs.a_half);
}

}  // namespace

FencedBuffer::FencedBuffer(gpu::ContextRef context, std::size_t bytes)
    : context_(std::move(context)), bytes_(bytes), memory_(context_, bytes + 2 * kFence + kAlignment) {}

gpu::CuDevicePtr FencedBuffer::get() const {
  return (memory_.get() + kFence + kAlignment - 1) / kAlignment * kAlignment;
}

void FencedBuffer::poison(std::byte value, const gpu::Stream& stream) {
  poison_ = value;
  context_->fill_bytes_async(memory_.get(), static_cast<unsigned char>(value), memory_.bytes(), stream.get());
}

bool FencedBuffer::fences_intact() const {
  std::vector<std::byte> fence(kFence);
  for (const gpu::CuDevicePtr at : {get() - kFence, get() + bytes_}) {
    context_->copy_to_host(fence.data(), at, kFence);
    if (std::ranges::any_of(fence, [this](std::byte b) { return b != poison_; })) return false;
  }
  return true;
}

GpuProblem::GpuProblem(const GpuEngine& engine, const ProblemData& inputs, Workspace workspace)
    : engine_(engine),
      context_(gpu::context_of(engine)),
      problem_(inputs.problem),
      out_global_scale_(inputs.out_global_scale),
      weights_(engine, shape_of(problem_)),
      tokens_(upload_tokens(context_, inputs)),
      token_scales_(upload(context_, inputs.a_nvfp4.scales)),
      token_globals_(upload(context_, inputs.a_global_scales)),
      offsets_(upload(context_, inputs.offsets)),
      bias_(upload(context_, inputs.bias)),
      bias_up_(upload(context_, inputs.bias_up)),
      out_(context_, output_bytes(problem_)),
      out_scales_(context_, output_scale_bytes(problem_)),
      workspace_(std::move(workspace)) {
  if (workspace_ == nullptr) {
    workspace_ = std::make_shared<FencedBuffer>(context_, engine.workspace_bytes(weights_.shape(), problem_.total_m()));
  }
  // NOTE: a copy from ordinary host memory may end later than the call, and our streams don't wait for its stream.
  context_->synchronize();
}

void GpuProblem::pack(std::int64_t group, const Nvfp4View& gate, const Nvfp4View* up) {
  if (up != nullptr) {
    weights_.pack(group, gate, *up);
  } else {
    weights_.pack(group, gate);
  }
  context_->synchronize();
}

void GpuProblem::pack_all(const ProblemData& data) {
  for (std::size_t group = 0; group < data.gate.size(); ++group) {
    const Nvfp4View gate = data.gate[group].view();
    const Nvfp4View up = problem_.op == Op::gated ? data.up[group].view() : Nvfp4View{};
    pack(static_cast<std::int64_t>(group), gate, problem_.op == Op::gated ? &up : nullptr);
  }
}

void GpuProblem::copy_weights(const GpuProblem& other) {
  gpu::copy_weights(other.weights_, weights_);
}

void GpuProblem::poison(std::byte value, const gpu::Stream& stream) {
  out_.poison(value, stream);
  out_scales_.poison(value, stream);
  workspace_->poison(value, stream);
}

void GpuProblem::run(const gpu::Stream& stream) const {
  const bool nvfp4_output = problem_.output == OutputType::nvfp4;
  const GpuGroupedGemmArgs args{.operand = problem_.operand,
                                .a = pointer<const void>(tokens_),
                                .a_scales = pointer<const std::uint8_t>(token_scales_),
                                .a_global_scales = pointer<const float>(token_globals_),
                                .a_global_scale_per_group = token_globals_.bytes() > sizeof(float),
                                .offsets = pointer<const std::int32_t>(offsets_),
                                .rows = problem_.total_m(),
                                .output = problem_.output,
                                .out = pointer<void>(out_),
                                .out_scales = nvfp4_output ? pointer<std::uint8_t>(out_scales_) : nullptr,
                                .out_global_scale = out_global_scale_,
                                .bias = pointer<const float>(bias_),
                                .bias_up = pointer<const float>(bias_up_),
                                .activation = problem_.activation,
                                .workspace = pointer<void>(*workspace_),
                                .workspace_bytes = workspace_->bytes(),
                                .stream = stream.get()};
  if (problem_.op == Op::gated) {
    engine_.grouped_gated_gemm(weights_, args);
  } else {
    engine_.grouped_gemm(weights_, args);
  }
}

void GpuProblem::download(const OutputBuffer& to) const {
  const OutputView view = to.view();
  if (out_.bytes() > 0) context_->copy_to_host(view.data, out_.get(), out_.bytes());
  if (out_scales_.bytes() > 0) context_->copy_to_host(view.scales, out_scales_.get(), out_scales_.bytes());
}

bool GpuProblem::fences_intact() const {
  return out_.fences_intact() && out_scales_.fences_intact() && workspace_->fences_intact();
}

std::size_t GpuProblem::device_bytes() const {
  return weights_.bytes() + tokens_.bytes() + token_scales_.bytes() + token_globals_.bytes() + offsets_.bytes() +
         bias_.bytes() + bias_up_.bytes() + out_.bytes() + out_scales_.bytes() + 4 * kFence + 2 * kAlignment;
}

}  // namespace thresher::cli
