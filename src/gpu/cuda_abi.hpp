// The part of the CUDA driver's C ABI that we call, declared here so that building needs no CUDA headers.
//
// Names and numbers are NVIDIA's; tests/gpu_runtime/abi_test.cpp compares them with cuda.h where there is one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace thresher::gpu {

using CuResult = int;
using CuDevice = int;
using CuDevicePtr = std::uint64_t;
using CuContext = struct CuContextObject*;
using CuModule = struct CuModuleObject*;
using CuFunction = struct CuFunctionObject*;
using CuStream = struct CuStreamObject*;
using CuEvent = struct CuEventObject*;
using CuGraph = struct CuGraphObject*;
using CuGraphExec = struct CuGraphExecObject*;

constexpr CuResult kCuSuccess = 0;
constexpr CuResult kCuOutOfMemory = 2;
constexpr CuResult kCuNoDevice = 100;
constexpr CuResult kCuInvalidImage = 200;
constexpr CuResult kCuNoBinaryForGpu = 209;
constexpr CuResult kCuUnsupportedPtxVersion = 222;
constexpr CuResult kCuNotFound = 500;
constexpr CuResult kCuNotReady = 600;

enum class DeviceAttribute : int {
  clock_khz = 13,
  multiprocessors = 16,
  ecc_enabled = 32,
  memory_clock_khz = 36,
  memory_bus_bits = 37,
  l2_bytes = 38,
  max_threads_per_multiprocessor = 39,
  compute_capability_major = 75,
  compute_capability_minor = 76,
  smem_bytes_per_multiprocessor = 81,
  registers_per_multiprocessor = 82,
  max_smem_bytes_per_block = 97,  // after opting in
  max_blocks_per_multiprocessor = 106,
  reserved_smem_bytes_per_block = 111,
};

enum class FunctionAttribute : int {
  max_threads_per_block = 0,
  static_smem_bytes = 1,
  local_bytes = 3,
  registers = 4,
  max_dynamic_smem_bytes = 8,
  preferred_smem_carveout = 9,
  non_portable_cluster_size_allowed = 14,
};

constexpr unsigned kCuStreamNonBlocking = 1;
constexpr unsigned kCuEventDefault = 0;
constexpr unsigned kCuEventDisableTiming = 2;
// Other threads may go on calling what a capture forbids: a capture must not break the program around it.
constexpr int kCuCaptureThreadLocal = 1;

enum class LaunchAttributeId : unsigned { cluster_dimension = 4, programmatic_stream_serialization = 6 };

union LaunchAttributeValue {
  char pad[64];
  struct {
    unsigned x, y, z;
  } cluster;
  int programmatic_stream_serialization_allowed;
  std::uint64_t alignment;  // never read: the driver's union holds pointers
};

struct LaunchAttribute {
  LaunchAttributeId id;
  char pad[4];
  LaunchAttributeValue value;
};

struct LaunchConfig {
  unsigned grid_x, grid_y, grid_z;
  unsigned block_x, block_y, block_z;
  unsigned dynamic_smem_bytes;
  CuStream stream;
  LaunchAttribute* attributes;
  unsigned attribute_count;
};

/// What the bulk tensor copies read: filled by cuTensorMapEncodeTiled, passed to kernels by value.
struct alignas(128) TensorMap {
  std::uint64_t opaque[16];
};

enum class TensorMapType : int { uint8 = 0, uint16 = 1, uint32 = 2, float16 = 6, float32 = 7, bfloat16 = 9 };
enum class TensorMapInterleave : int { none = 0 };
enum class TensorMapSwizzle : int { none = 0, bytes32 = 1, bytes64 = 2, bytes128 = 3 };
enum class TensorMapL2Promotion : int { none = 0, bytes64 = 1, bytes128 = 2, bytes256 = 3 };
enum class TensorMapFill : int { zeros = 0 };

// NOLINTBEGIN(readability-identifier-naming): NVIDIA's names, so that a search finds both the call and its manual.

/// The functions of libcuda.so.1. The comments name the exported symbols where they carry a version.
struct DriverApi {
  CuResult (*cuInit)(unsigned flags) = nullptr;
  CuResult (*cuDriverGetVersion)(int* version) = nullptr;
  CuResult (*cuGetErrorName)(CuResult error, const char** name) = nullptr;
  CuResult (*cuGetErrorString)(CuResult error, const char** text) = nullptr;

  CuResult (*cuDeviceGetCount)(int* count) = nullptr;
  CuResult (*cuDeviceGet)(CuDevice* device, int ordinal) = nullptr;
  CuResult (*cuDeviceGetName)(char* name, int length, CuDevice device) = nullptr;
  CuResult (*cuDeviceGetPCIBusId)(char* id, int length, CuDevice device) = nullptr;
  CuResult (*cuDeviceGetAttribute)(int* value, DeviceAttribute attribute, CuDevice device) = nullptr;
  CuResult (*cuDeviceTotalMem)(std::size_t* bytes, CuDevice device) = nullptr;  // _v2

  CuResult (*cuDevicePrimaryCtxRetain)(CuContext* context, CuDevice device) = nullptr;
  CuResult (*cuDevicePrimaryCtxRelease)(CuDevice device) = nullptr;  // _v2
  CuResult (*cuCtxPushCurrent)(CuContext context) = nullptr;         // _v2
  CuResult (*cuCtxPopCurrent)(CuContext* context) = nullptr;         // _v2
  CuResult (*cuCtxSynchronize)() = nullptr;

  CuResult (*cuMemGetInfo)(std::size_t* free_bytes, std::size_t* total_bytes) = nullptr;                   // _v2
  CuResult (*cuMemAlloc)(CuDevicePtr* pointer, std::size_t bytes) = nullptr;                               // _v2
  CuResult (*cuMemFree)(CuDevicePtr pointer) = nullptr;                                                    // _v2
  CuResult (*cuMemcpyHtoD)(CuDevicePtr to, const void* from, std::size_t bytes) = nullptr;                 // _v2
  CuResult (*cuMemcpyDtoH)(void* to, CuDevicePtr from, std::size_t bytes) = nullptr;                       // _v2
  CuResult (*cuMemcpyHtoDAsync)(CuDevicePtr to, const void* from, std::size_t bytes, CuStream) = nullptr;  // _v2
  CuResult (*cuMemcpyDtoHAsync)(void* to, CuDevicePtr from, std::size_t bytes, CuStream) = nullptr;        // _v2
  CuResult (*cuMemcpyDtoDAsync)(CuDevicePtr to, CuDevicePtr from, std::size_t bytes, CuStream) = nullptr;  // _v2
  CuResult (*cuMemsetD8)(CuDevicePtr to, unsigned char value, std::size_t count) = nullptr;                // _v2
  CuResult (*cuMemsetD8Async)(CuDevicePtr to, unsigned char value, std::size_t count, CuStream) = nullptr;
  CuResult (*cuMemsetD32Async)(CuDevicePtr to, unsigned value, std::size_t count, CuStream) = nullptr;

  CuResult (*cuModuleLoadData)(CuModule* module, const void* image) = nullptr;
  CuResult (*cuModuleUnload)(CuModule module) = nullptr;
  CuResult (*cuModuleGetFunction)(CuFunction* function, CuModule module, const char* name) = nullptr;
  CuResult (*cuFuncGetAttribute)(int* value, FunctionAttribute attribute, CuFunction function) = nullptr;
  CuResult (*cuFuncSetAttribute)(CuFunction function, FunctionAttribute attribute, int value) = nullptr;
  CuResult (*cuOccupancyMaxActiveBlocksPerMultiprocessor)(int* blocks, CuFunction function, int threads,
                                                          std::size_t dynamic_smem_bytes) = nullptr;
  CuResult (*cuOccupancyMaxActiveClusters)(int* clusters, CuFunction function, const LaunchConfig* config) = nullptr;
  CuResult (*cuLaunchKernelEx)(const LaunchConfig* config, CuFunction function, void** parameters,
                               void** extra) = nullptr;
  CuResult (*cuTensorMapEncodeTiled)(TensorMap* map, TensorMapType type, std::uint32_t rank, void* address,
                                     const std::uint64_t* sizes, const std::uint64_t* byte_strides,
                                     const std::uint32_t* box, const std::uint32_t* element_strides,
                                     TensorMapInterleave interleave, TensorMapSwizzle swizzle,
                                     TensorMapL2Promotion promotion, TensorMapFill fill) = nullptr;

  CuResult (*cuStreamCreate)(CuStream* stream, unsigned flags) = nullptr;
  CuResult (*cuStreamDestroy)(CuStream stream) = nullptr;  // _v2
  CuResult (*cuStreamSynchronize)(CuStream stream) = nullptr;
  CuResult (*cuStreamWaitEvent)(CuStream stream, CuEvent event, unsigned flags) = nullptr;
  CuResult (*cuStreamBeginCapture)(CuStream stream, int mode) = nullptr;  // _v2
  CuResult (*cuStreamEndCapture)(CuStream stream, CuGraph* graph) = nullptr;
  CuResult (*cuEventCreate)(CuEvent* event, unsigned flags) = nullptr;
  CuResult (*cuEventDestroy)(CuEvent event) = nullptr;  // _v2
  CuResult (*cuEventRecord)(CuEvent event, CuStream stream) = nullptr;
  CuResult (*cuEventSynchronize)(CuEvent event) = nullptr;
  CuResult (*cuEventElapsedTime)(float* milliseconds, CuEvent begin, CuEvent end) = nullptr;
  CuResult (*cuGraphInstantiateWithFlags)(CuGraphExec* exec, CuGraph graph, unsigned long long flags) = nullptr;
  CuResult (*cuGraphLaunch)(CuGraphExec exec, CuStream stream) = nullptr;
  CuResult (*cuGraphExecDestroy)(CuGraphExec exec) = nullptr;
  CuResult (*cuGraphDestroy)(CuGraph graph) = nullptr;
};

// NOLINTEND(readability-identifier-naming)

}  // namespace thresher::gpu
