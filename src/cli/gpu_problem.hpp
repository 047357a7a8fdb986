// A problem in the memory of a GPU: inputs, packed weights and a fenced result, ready to run.
#pragma once

#include <cstddef>
#include <memory>

#include "cli/output_buffer.hpp"
#include "format/generate.hpp"
#include "gpu/context.hpp"
#include "thresher/gpu.hpp"

namespace thresher::cli {

/// Device memory between two fences of 4 KiB. The memory begins at a multiple of 1024 bytes.
class FencedBuffer {
 public:
  FencedBuffer(gpu::ContextRef context, std::size_t bytes);

  [[nodiscard]] gpu::CuDevicePtr get() const;
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Fills everything, fences too, before what comes next in `stream`.
  void poison(std::byte value, const gpu::Stream& stream);
  /// True while nothing wrote beside the memory since poison(). The writers must be done.
  [[nodiscard]] bool fences_intact() const;

 private:
  gpu::ContextRef context_;
  std::size_t bytes_ = 0;
  std::byte poison_{};
  gpu::DeviceBuffer memory_;
};

class GpuProblem {
 public:
  /// Memory for a call's intermediate results; problems that run one after the other in one stream may share it.
  using Workspace = std::shared_ptr<FencedBuffer>;

  /// Uploads everything but the weights, which `inputs` may lack. Without a workspace it makes its own.
  GpuProblem(const GpuEngine& engine, const ProblemData& inputs, Workspace workspace = nullptr);

  /// Packs one group; `up` exactly when the op is gated.
  void pack(std::int64_t group, const Nvfp4View& gate, const Nvfp4View* up);
  /// Packs every group of data that has its weights.
  void pack_all(const ProblemData& data);
  /// Takes over the packed weights of a problem of the same shape.
  void copy_weights(const GpuProblem& other);

  /// Poisons result, fences and workspace.
  void poison(std::byte value, const gpu::Stream& stream);
  /// Launches; nothing waits, so it may be recorded into a graph.
  void run(const gpu::Stream& stream) const;
  /// Brings the result to the host; whoever ran must have waited for the stream.
  void download(const OutputBuffer& to) const;
  /// Of the result, its scales and the workspace.
  [[nodiscard]] bool fences_intact() const;

  [[nodiscard]] const Workspace& workspace() const { return workspace_; }
  /// Of all memory of this problem but the workspace.
  [[nodiscard]] std::size_t device_bytes() const;

 private:
  const GpuEngine& engine_;
  gpu::ContextRef context_;
  Problem problem_;
  float out_global_scale_ = 1.0f;
  GpuWeights weights_;
  gpu::DeviceBuffer tokens_;
  gpu::DeviceBuffer token_scales_;
  gpu::DeviceBuffer token_globals_;
  gpu::DeviceBuffer offsets_;
  gpu::DeviceBuffer bias_;
  gpu::DeviceBuffer bias_up_;
  FencedBuffer out_;
  FencedBuffer out_scales_;
  Workspace workspace_;
};

}  // namespace thresher::cli
