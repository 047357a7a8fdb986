// A problem in device memory: inputs, weights, poisoned outputs between guard bands, workspace.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "format/generate.hpp"
#include "gpu/context.hpp"
#include "gpu/driver.hpp"
#include "reference/compare.hpp"
#include "thresher/gpu.hpp"

namespace thresher::gpu {

inline constexpr std::size_t kGuard = 4096;

/// Device memory with guard bands on both sides, which show a write beyond it.
class GuardedBuffer {
 public:
  GuardedBuffer() = default;
  GuardedBuffer(ContextRef context, std::size_t bytes)
      : context_(std::move(context)), bytes_((bytes + 15) / 16 * 16), buffer_(context_, bytes_ + 2 * kGuard) {}

  [[nodiscard]] CuDevicePtr get() const { return buffer_.get() + kGuard; }
  template <class T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(get());
  }
  void poison(unsigned char value) {
    poison_ = value;
    context_->fill_bytes(buffer_.get(), value, bytes_ + 2 * kGuard);
  }
  [[nodiscard]] bool guards_intact(std::size_t used) const {
    std::vector<unsigned char> all(bytes_ + 2 * kGuard);
    context_->copy_to_host(all.data(), buffer_.get(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
      if ((i < kGuard || i >= kGuard + used) && all[i] != poison_) return false;
    return true;
  }

 private:
  ContextRef context_;
  std::size_t bytes_ = 0;
  DeviceBuffer buffer_;
  unsigned char poison_ = 0;
};

template <class T>
DeviceBuffer upload(const ContextRef& context, const std::vector<T>& values) {
  DeviceBuffer buffer(context, values.size() * sizeof(T) + 16);
  if (!values.empty()) context->copy_to_device(buffer.get(), values.data(), values.size() * sizeof(T));
  return buffer;
}

class DeviceProblem {
 public:
  DeviceProblem(const GpuEngine& engine, const ContextRef& context, const ProblemData& data)
      : context_(context),
        data_(data),
        weights_(engine,
                 {.op = data.problem.op, .groups = data.problem.groups(), .n = data.problem.n, .k = data.problem.k}) {
    const Problem& p = data.problem;
    for (std::size_t g = 0; g < data.gate.size(); ++g) {
      if (p.op == Op::gated) {
        weights_.pack(static_cast<std::int64_t>(g), data.gate[g].view(), data.up[g].view());
      } else {
        weights_.pack(static_cast<std::int64_t>(g), data.gate[g].view());
      }
    }
    offsets_ = upload(context, data.offsets);
    if (p.operand == OperandType::nvfp4) {
      tokens_ = upload(context, data.a_nvfp4.codes);
      token_scales_ = upload(context, data.a_nvfp4.scales);
      token_globals_ = upload(context, data.a_global_scales);
    } else {
      tokens_ = upload(context, data.a_half);
    }
    bias_ = upload(context, data.bias);
    bias_up_ = upload(context, data.bias_up);
    const auto elements = static_cast<std::size_t>(p.total_m() * p.n);
    out_bytes_ = p.output == OutputType::nvfp4 ? elements / 2 : elements * (p.output == OutputType::fp32 ? 4 : 2);
    scale_bytes_ = p.output == OutputType::nvfp4 ? elements / 16 : 0;
    out_ = GuardedBuffer(context, out_bytes_);
    out_scales_ = GuardedBuffer(context, scale_bytes_);
    workspace_ = GuardedBuffer(context, engine.workspace_bytes(weights_.shape(), p.total_m()));
    workspace_bytes_ = engine.workspace_bytes(weights_.shape(), p.total_m());
  }

  void poison(unsigned char value) {
    out_.poison(value);
    out_scales_.poison(value);
    workspace_.poison(static_cast<unsigned char>(~value));
  }

  void run(const GpuEngine& engine, CuStream stream) const {
    const Problem& p = data_.problem;
    GpuGroupedGemmArgs args;
    args.operand = p.operand;
    args.a = reinterpret_cast<const void*>(tokens_.get());
    args.a_scales = reinterpret_cast<const std::uint8_t*>(token_scales_.get());
    args.a_global_scales = reinterpret_cast<const float*>(token_globals_.get());
    args.a_global_scale_per_group = true;
    args.offsets = reinterpret_cast<const std::int32_t*>(offsets_.get());
    args.rows = p.total_m();
    args.output = p.output;
    args.out = out_.as<void>();
    args.out_scales = p.output == OutputType::nvfp4 ? out_scales_.as<std::uint8_t>() : nullptr;
    args.out_global_scale = data_.out_global_scale;
    args.bias = p.bias ? reinterpret_cast<const float*>(bias_.get()) : nullptr;
    args.bias_up = p.bias && p.op == Op::gated ? reinterpret_cast<const float*>(bias_up_.get()) : nullptr;
    args.activation = p.activation;
    args.workspace = workspace_.as<void>();
    args.workspace_bytes = workspace_bytes_;
    args.stream = stream;
    if (p.op == Op::gated) {
      engine.grouped_gated_gemm(weights_, args);
    } else {
      engine.grouped_gemm(weights_, args);
    }
  }

  /// Data, then scales, as bytes.
  [[nodiscard]] std::vector<std::uint8_t> result() const {
    std::vector<std::uint8_t> bytes(out_bytes_ + scale_bytes_);
    if (out_bytes_ > 0) context_->copy_to_host(bytes.data(), out_.get(), out_bytes_);
    if (scale_bytes_ > 0) context_->copy_to_host(bytes.data() + out_bytes_, out_scales_.get(), scale_bytes_);
    return bytes;
  }

  [[nodiscard]] std::string compare(const reference::Result& truth) const {
    std::vector<std::uint8_t> bytes = result();
    const Problem& p = data_.problem;
    const OutputView view{.type = p.output,
                          .data = bytes.data(),
                          .scales = p.output == OutputType::nvfp4 ? bytes.data() + out_bytes_ : nullptr,
                          .global_scale = data_.out_global_scale,
                          .rows = p.total_m(),
                          .n = p.n};
    const reference::Comparison comparison = reference::compare(truth, data_, view);
    return comparison.ok() ? ""
                           : std::to_string(comparison.failures) + " of " + std::to_string(comparison.checked) +
                                 " wrong, first: " + comparison.first_failure;
  }

  [[nodiscard]] bool guards_intact() const {
    return out_.guards_intact(out_bytes_) && out_scales_.guards_intact(scale_bytes_) &&
           workspace_.guards_intact(workspace_bytes_);
  }

  void set_offsets(const std::vector<std::int32_t>& offsets) {
    context_->copy_to_device(offsets_.get(), offsets.data(), offsets.size() * sizeof(std::int32_t));
  }

 private:
  ContextRef context_;
  const ProblemData& data_;
  GpuWeights weights_;
  DeviceBuffer offsets_, tokens_, token_scales_, token_globals_, bias_, bias_up_;
  GuardedBuffer out_, out_scales_, workspace_;
  std::size_t out_bytes_ = 0, scale_bytes_ = 0, workspace_bytes_ = 0;
};

}  // namespace thresher::gpu
