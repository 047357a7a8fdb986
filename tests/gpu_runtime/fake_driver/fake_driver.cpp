// A libcuda.so.1 without a GPU: memory is the host's, kernels are recorded and do nothing.
#include "fake_driver.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace thresher::gpu;

namespace {

FakeDriver state;
int object;  // what all handles point to

constexpr CuResult kInvalidContext = 201;
constexpr CuResult kLaunchFailed = 719;

template <typename Handle>
CuResult make(Handle* handle, int& count) {
  if (state.depth == 0) return kInvalidContext;
  *handle = reinterpret_cast<Handle>(&object);
  ++count;
  return kCuSuccess;
}

CuResult drop(int& count) {
  --count;
  return kCuSuccess;
}

CuResult in_context() {
  return state.depth > 0 ? kCuSuccess : kInvalidContext;
}

void* host(CuDevicePtr pointer) {
  return reinterpret_cast<void*>(pointer);
}

}  // namespace

extern "C" {

FakeDriver* fake_driver() {
  return &state;
}

CuResult cuInit(unsigned) {
  return state.init_result;
}
CuResult cuDriverGetVersion(int* version) {
  *version = 12040;
  return kCuSuccess;
}
CuResult cuGetErrorName(CuResult error, const char** name) {
  switch (error) {
    case kCuOutOfMemory:
      *name = "CUDA_ERROR_OUT_OF_MEMORY";
      return kCuSuccess;
    case kCuNoDevice:
      *name = "CUDA_ERROR_NO_DEVICE";
      return kCuSuccess;
    case kCuNotFound:
      *name = "CUDA_ERROR_NOT_FOUND";
      return kCuSuccess;
    case kLaunchFailed:
      *name = "CUDA_ERROR_LAUNCH_FAILED";
      return kCuSuccess;
    default:
      return 1;
  }
}
CuResult cuGetErrorString(CuResult error, const char** text) {
  *text = "words of the driver";
  return error == kLaunchFailed || error == kCuOutOfMemory ? kCuSuccess : 1;
}

CuResult cuDeviceGetCount(int* count) {
  *count = state.devices;
  return kCuSuccess;
}
CuResult cuDeviceGet(CuDevice* device, int ordinal) {
  *device = ordinal;
  return ordinal < state.devices ? kCuSuccess : 101;
}
CuResult cuDeviceGetName(char* name, int length, CuDevice) {
  std::strncpy(name, "Fake GPU", static_cast<std::size_t>(length));
  return kCuSuccess;
}
CuResult cuDeviceGetPCIBusId(char* id, int length, CuDevice device) {
  std::strncpy(id, device == 0 ? "0000:01:00.0" : "0000:02:00.0", static_cast<std::size_t>(length));
  return kCuSuccess;
}
CuResult cuDeviceGetAttribute(int* value, DeviceAttribute attribute, CuDevice device) {
  if (attribute == DeviceAttribute::memory_clock_khz) return 1;  // unknown
  *value = attribute == DeviceAttribute::compute_capability_major   ? 9 - device
           : attribute == DeviceAttribute::compute_capability_minor ? 0
           : attribute == DeviceAttribute::ecc_enabled              ? 0
                                                                    : 1000;
  return kCuSuccess;
}
CuResult cuDeviceTotalMem_v2(std::size_t* bytes, CuDevice) {
  *bytes = 2 << 20;
  return kCuSuccess;
}
CuResult cuDevicePrimaryCtxRetain(CuContext* context, CuDevice) {
  *context = reinterpret_cast<CuContext>(&object);
  ++state.retained;
  return kCuSuccess;
}
CuResult cuDevicePrimaryCtxRelease_v2(CuDevice) {
  return drop(state.retained);
}
CuResult cuCtxPushCurrent_v2(CuContext) {
  ++state.depth;
  return kCuSuccess;
}
CuResult cuCtxPopCurrent_v2(CuContext*) {
  return drop(state.depth);
}
CuResult cuCtxSynchronize() {
  return in_context();
}

CuResult cuMemGetInfo_v2(std::size_t* free_bytes, std::size_t* total_bytes) {
  *free_bytes = state.free_bytes;
  *total_bytes = 2 << 20;
  return in_context();
}
CuResult cuMemAlloc_v2(CuDevicePtr* pointer, std::size_t bytes) {
  if (bytes > state.free_bytes) return kCuOutOfMemory;
  *pointer = reinterpret_cast<CuDevicePtr>(std::malloc(bytes));
  ++state.allocations;
  return in_context();
}
CuResult cuMemFree_v2(CuDevicePtr pointer) {
  std::free(host(pointer));
  return drop(state.allocations);
}
CuResult cuMemcpyHtoD_v2(CuDevicePtr to, const void* from, std::size_t bytes) {
  std::memcpy(host(to), from, bytes);
  return in_context();
}
CuResult cuMemcpyDtoH_v2(void* to, CuDevicePtr from, std::size_t bytes) {
  std::memcpy(to, host(from), bytes);
  return in_context();
}
CuResult cuMemcpyHtoDAsync_v2(CuDevicePtr to, const void* from, std::size_t bytes, CuStream) {
  return cuMemcpyHtoD_v2(to, from, bytes);
}
CuResult cuMemcpyDtoHAsync_v2(void* to, CuDevicePtr from, std::size_t bytes, CuStream) {
  return cuMemcpyDtoH_v2(to, from, bytes);
}
CuResult cuMemcpyDtoDAsync_v2(CuDevicePtr to, CuDevicePtr from, std::size_t bytes, CuStream) {
  std::memcpy(host(to), host(from), bytes);
  return in_context();
}
CuResult cuMemsetD8_v2(CuDevicePtr to, unsigned char value, std::size_t count) {
  std::memset(host(to), value, count);
  return in_context();
}
CuResult cuMemsetD8Async(CuDevicePtr to, unsigned char value, std::size_t count, CuStream) {
  return cuMemsetD8_v2(to, value, count);
}
CuResult cuMemsetD32Async(CuDevicePtr to, unsigned value, std::size_t count, CuStream) {
  std::fill_n(static_cast<unsigned*>(host(to)), count, value);
  return in_context();
}

CuResult cuModuleLoadData(CuModule* module, const void*) {
  return state.load_result != kCuSuccess ? state.load_result : make(module, state.modules);
}
CuResult cuModuleUnload(CuModule) {
  return drop(state.modules);
}
CuResult cuModuleGetFunction(CuFunction* function, CuModule, const char* name) {
  *function = reinterpret_cast<CuFunction>(&object);
  return std::strcmp(name, "known") == 0 ? kCuSuccess : kCuNotFound;
}
CuResult cuFuncGetAttribute(int* value, FunctionAttribute, CuFunction) {
  *value = 42;
  return in_context();
}
CuResult cuFuncSetAttribute(CuFunction, FunctionAttribute, int value) {
  if (value > 1000) return 1;
  state.dynamic_smem_allowed = value;
  return in_context();
}
CuResult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CuFunction, int, std::size_t) {
  *blocks = 3;
  return in_context();
}
CuResult cuOccupancyMaxActiveClusters(int* clusters, CuFunction, const LaunchConfig* config) {
  *clusters = static_cast<int>(config->attribute_count);
  return in_context();
}
CuResult cuLaunchKernelEx(const LaunchConfig* config, CuFunction, void**, void**) {
  ++state.launches;
  state.launches_without_context += state.depth == 0 ? 1 : 0;
  state.config = *config;
  for (unsigned i = 0; i < config->attribute_count; ++i) {
    state.attributes[i] = config->attributes[i];
  }
  return state.launch_result;
}
CuResult cuTensorMapEncodeTiled(TensorMap*, TensorMapType, std::uint32_t, void*, const std::uint64_t*,
                                const std::uint64_t*, const std::uint32_t*, const std::uint32_t*, TensorMapInterleave,
                                TensorMapSwizzle, TensorMapL2Promotion, TensorMapFill) {
  return kCuSuccess;
}

CuResult cuStreamCreate(CuStream* stream, unsigned) {
  return make(stream, state.streams);
}
CuResult cuStreamDestroy_v2(CuStream) {
  return drop(state.streams);
}
CuResult cuStreamSynchronize(CuStream) {
  return in_context();
}
CuResult cuStreamWaitEvent(CuStream, CuEvent, unsigned) {
  return in_context();
}
CuResult cuStreamBeginCapture_v2(CuStream, int) {
  state.capturing = true;
  return in_context();
}
CuResult cuStreamEndCapture(CuStream, CuGraph* graph) {
  state.capturing = false;
  return make(graph, state.graphs);
}
CuResult cuEventCreate(CuEvent* event, unsigned) {
  return make(event, state.events);
}
CuResult cuEventDestroy_v2(CuEvent) {
  return drop(state.events);
}
CuResult cuEventRecord(CuEvent, CuStream) {
  return in_context();
}
CuResult cuEventSynchronize(CuEvent) {
  return in_context();
}
CuResult cuEventElapsedTime(float* milliseconds, CuEvent, CuEvent) {
  *milliseconds = 1.5F;
  return kCuSuccess;
}
CuResult cuGraphInstantiateWithFlags(CuGraphExec* exec, CuGraph, unsigned long long) {
  return make(exec, state.graph_execs);
}
CuResult cuGraphLaunch(CuGraphExec, CuStream) {
  return in_context();
}
CuResult cuGraphExecDestroy(CuGraphExec) {
  return drop(state.graph_execs);
}
CuResult cuGraphDestroy(CuGraph) {
  return drop(state.graphs);
}

}  // extern "C"
