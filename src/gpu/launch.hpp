// Loaded kernels, launches and graphs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "gpu/context.hpp"
#include "gpu/launch_plan.hpp"

namespace thresher::gpu {

/// A kernel of a Module, which it must not outlive. Cheap to copy.
class Function {
 public:
  Function() = default;

  [[nodiscard]] CuFunction get() const { return function_; }
  [[nodiscard]] const char* name() const { return name_; }
  [[nodiscard]] const PrimaryContext& context() const { return *context_; }

  [[nodiscard]] int attribute(FunctionAttribute attribute) const;
  /// Needed before a launch with more than 48 KiB of dynamic shared memory.
  void allow_dynamic_smem(unsigned bytes) const;
  /// Needed before a launch with clusters of more than 8 CTAs.
  void allow_large_clusters() const;
  /// CTAs that one multiprocessor holds at a time, as the driver sees it.
  [[nodiscard]] int max_blocks_per_multiprocessor(unsigned threads, unsigned dynamic_smem_bytes) const;
  /// Clusters that the GPU holds at a time, as the driver sees it.
  [[nodiscard]] int max_clusters(const LaunchPlan& plan) const;

 private:
  friend class Module;
  Function(const PrimaryContext* context, CuFunction function, const char* name)
      : context_(context), function_(function), name_(name) {}

  const PrimaryContext* context_ = nullptr;
  CuFunction function_ = nullptr;
  const char* name_ = "";
};

/// One kernel's cubin, loaded. It has a stable address, because Functions point to it.
class Module {
 public:
  /// `kernel` is the entry that function() gives. Throws Error(unsupported) for bytes that are no cubin, are cut off or
  /// are for another GPU.
  Module(ContextRef context, std::string_view cubin, std::string kernel);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  [[nodiscard]] Function function() const { return {context_.get(), function_, kernel_.c_str()}; }

 private:
  ContextRef context_;
  std::string kernel_;
  CuModule module_ = nullptr;
  CuFunction function_ = nullptr;
};

/// Starts the kernel. The context must be current (ContextScope) on this thread: nothing here allocates, locks or
/// waits. `parameters` points to the arguments in order. Throws Error with the kernel, its grid and its shared memory.
void launch(const Function& function, const LaunchPlan& plan, CuStream stream, void** parameters);

/// Work recorded once and started as a whole.
class Graph {
 public:
  /// Records what `body` puts into `stream` (not the default stream). When `body` throws, the stream is as it was.
  Graph(ContextRef context, CuStream stream, const std::function<void()>& body);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void launch(CuStream stream) const;

 private:
  ContextRef context_;
  CuGraphExec exec_ = nullptr;
};

}  // namespace thresher::gpu
