// Modules, launches through cuLaunchKernelEx, and captured graphs.
#include "gpu/launch.hpp"

#include <array>
#include <optional>
#include <utility>

#include "gpu/cubin_image.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

std::string text_of(const Dim3& size) {
  return std::to_string(size.x) + "x" + std::to_string(size.y) + "x" + std::to_string(size.z);
}

std::string text_of(const Function& function, const LaunchPlan& plan) {
  return "kernel '" + std::string(function.name()) + "', grid " + text_of(plan.grid) + ", block " +
         text_of(plan.block) + ", cluster " + text_of(plan.cluster) + ", " + std::to_string(plan.dynamic_smem_bytes) +
         " bytes of dynamic shared memory";
}

using Attributes = std::array<LaunchAttribute, 2>;

// The configuration points into `attributes`, which the caller keeps on its stack.
LaunchConfig configure(const LaunchPlan& plan, CuStream stream, Attributes& attributes) {
  unsigned count = 0;
  if (plan.cluster != Dim3{}) {
    LaunchAttribute& attribute = attributes[count++];
    attribute.id = LaunchAttributeId::cluster_dimension;
    attribute.value.cluster = {plan.cluster.x, plan.cluster.y, plan.cluster.z};
  }
  if (plan.programmatic_serialization) {
    LaunchAttribute& attribute = attributes[count++];
    attribute.id = LaunchAttributeId::programmatic_stream_serialization;
    attribute.value.programmatic_stream_serialization_allowed = 1;
  }
  return {.grid_x = plan.grid.x,
          .grid_y = plan.grid.y,
          .grid_z = plan.grid.z,
          .block_x = plan.block.x,
          .block_y = plan.block.y,
          .block_z = plan.block.z,
          .dynamic_smem_bytes = plan.dynamic_smem_bytes,
          .stream = stream,
          .attributes = count == 0 ? nullptr : attributes.data(),
          .attribute_count = count};
}

}  // namespace

int Function::attribute(FunctionAttribute attribute) const {
  const ContextScope scope(*context_);
  int value = 0;
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuFuncGetAttribute(&value, attribute, function_), "cuFuncGetAttribute", name_);
  return value;
}

void Function::allow_dynamic_smem(unsigned bytes) const {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  const CuResult result =
      driver.api().cuFuncSetAttribute(function_, FunctionAttribute::max_dynamic_smem_bytes, static_cast<int>(bytes));
  if (result == kCuSuccess) return;
  driver.fail(result, "cuFuncSetAttribute",
              "kernel '" + std::string(name_) + "' asked for " + std::to_string(bytes) +
                  " bytes of dynamic shared memory; a CTA has at most " +
                  std::to_string(context_->gpu().max_smem_bytes_per_block) + ", static ones included");
}

void Function::allow_large_clusters() const {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuFuncSetAttribute(function_, FunctionAttribute::non_portable_cluster_size_allowed, 1),
               "cuFuncSetAttribute", name_);
}

int Function::max_blocks_per_multiprocessor(unsigned threads, unsigned dynamic_smem_bytes) const {
  const ContextScope scope(*context_);
  int blocks = 0;
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function_, static_cast<int>(threads),
                                                                        dynamic_smem_bytes),
               "cuOccupancyMaxActiveBlocksPerMultiprocessor", name_);
  return blocks;
}

int Function::max_clusters(const LaunchPlan& plan) const {
  const ContextScope scope(*context_);
  Attributes attributes = {};
  const LaunchConfig config = configure(plan, nullptr, attributes);
  int clusters = 0;
  const Driver& driver = context_->driver();
  const CuResult result = driver.api().cuOccupancyMaxActiveClusters(&clusters, function_, &config);
  if (result != kCuSuccess) driver.fail(result, "cuOccupancyMaxActiveClusters", text_of(*this, plan));
  return clusters;
}

Module::Module(ContextRef context, std::string_view cubin, std::string kernel)
    : context_(std::move(context)), kernel_(std::move(kernel)) {
  if (const std::optional<std::string> reason = why_no_cubin(cubin)) {
    throw Error(ErrorCode::unsupported, "the code of kernel '" + kernel_ + "' is no usable cubin: " + *reason +
                                            "; 'thresher cache clear' removes what is stored");
  }
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  const GpuInfo& gpu = context_->gpu();
  driver.check(driver.api().cuModuleLoadData(&module_, cubin.data()), "cuModuleLoadData",
               "kernel '" + kernel_ + "' on " + gpu.name + " (compute capability " + std::to_string(gpu.compute_major) +
                   "." + std::to_string(gpu.compute_minor) + ") with a driver for CUDA " +
                   std::to_string(driver.version() / 1000) + "." + std::to_string(driver.version() % 1000 / 10));
  const CuResult found = driver.api().cuModuleGetFunction(&function_, module_, kernel_.c_str());
  if (found == kCuSuccess) return;
  driver.api().cuModuleUnload(module_);
  driver.fail(found, "cuModuleGetFunction", "the cubin has no kernel '" + kernel_ + "'");
}

Module::~Module() {
  const DriverApi& api = context_->driver().api();
  if (api.cuCtxPushCurrent(context_->handle()) != kCuSuccess) return;
  api.cuModuleUnload(module_);
  CuContext popped = nullptr;
  api.cuCtxPopCurrent(&popped);
}

void launch(const Function& function, const LaunchPlan& plan, CuStream stream, void** parameters) {
  Attributes attributes;
  const LaunchConfig config = configure(plan, stream, attributes);
  const Driver& driver = function.context().driver();
  const CuResult result = driver.api().cuLaunchKernelEx(&config, function.get(), parameters, nullptr);
  if (result != kCuSuccess) driver.fail(result, "cuLaunchKernelEx", text_of(function, plan));
}

Graph::Graph(ContextRef context, CuStream stream, const std::function<void()>& body) : context_(std::move(context)) {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  const DriverApi& api = driver.api();
  driver.check(api.cuStreamBeginCapture(stream, kCuCaptureThreadLocal), "cuStreamBeginCapture");
  CuGraph graph = nullptr;
  try {
    body();
  } catch (...) {
    if (api.cuStreamEndCapture(stream, &graph) == kCuSuccess && graph != nullptr) api.cuGraphDestroy(graph);
    throw;
  }
  driver.check(api.cuStreamEndCapture(stream, &graph), "cuStreamEndCapture");
  const CuResult result = api.cuGraphInstantiateWithFlags(&exec_, graph, 0);
  api.cuGraphDestroy(graph);
  driver.check(result, "cuGraphInstantiateWithFlags");
}

Graph::~Graph() {
  context_->driver().api().cuGraphExecDestroy(exec_);
}

void Graph::launch(CuStream stream) const {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuGraphLaunch(exec_, stream), "cuGraphLaunch");
}

}  // namespace thresher::gpu
