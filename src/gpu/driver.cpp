// Finds the driver's functions by name and asks it for its GPUs.
#include "gpu/driver.hpp"

#include <dlfcn.h>

#include <array>
#include <utility>

#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

// The first driver with cuLaunchKernelEx, cluster launches and tensor maps.
constexpr const char* kNeededDriver = "install a driver for CUDA 12.0 (525) or newer";

template <typename Function>
void resolve(void* library, const char* symbol, Function& function, std::string& missing) {
  void* const address = dlsym(library, symbol);
  if (address == nullptr) {
    missing += (missing.empty() ? "" : ", ") + std::string(symbol);
    return;
  }
  function = reinterpret_cast<Function>(address);
}

void resolve_devices(void* library, DriverApi& api, std::string& missing) {
  resolve(library, "cuInit", api.cuInit, missing);
  resolve(library, "cuDriverGetVersion", api.cuDriverGetVersion, missing);
  resolve(library, "cuGetErrorName", api.cuGetErrorName, missing);
  resolve(library, "cuGetErrorString", api.cuGetErrorString, missing);
  resolve(library, "cuDeviceGetCount", api.cuDeviceGetCount, missing);
  resolve(library, "cuDeviceGet", api.cuDeviceGet, missing);
  resolve(library, "cuDeviceGetName", api.cuDeviceGetName, missing);
  resolve(library, "cuDeviceGetPCIBusId", api.cuDeviceGetPCIBusId, missing);
  resolve(library, "cuDeviceGetAttribute", api.cuDeviceGetAttribute, missing);
  resolve(library, "cuDeviceTotalMem_v2", api.cuDeviceTotalMem, missing);
  resolve(library, "cuDevicePrimaryCtxRetain", api.cuDevicePrimaryCtxRetain, missing);
  resolve(library, "cuDevicePrimaryCtxRelease_v2", api.cuDevicePrimaryCtxRelease, missing);
  resolve(library, "cuCtxPushCurrent_v2", api.cuCtxPushCurrent, missing);
  resolve(library, "cuCtxPopCurrent_v2", api.cuCtxPopCurrent, missing);
  resolve(library, "cuCtxSynchronize", api.cuCtxSynchronize, missing);
}

void resolve_memory(void* library, DriverApi& api, std::string& missing) {
  resolve(library, "cuMemGetInfo_v2", api.cuMemGetInfo, missing);
  resolve(library, "cuMemAlloc_v2", api.cuMemAlloc, missing);
  resolve(library, "cuMemFree_v2", api.cuMemFree, missing);
  resolve(library, "cuMemcpyHtoD_v2", api.cuMemcpyHtoD, missing);
  resolve(library, "cuMemcpyDtoH_v2", api.cuMemcpyDtoH, missing);
  resolve(library, "cuMemcpyHtoDAsync_v2", api.cuMemcpyHtoDAsync, missing);
  resolve(library, "cuMemcpyDtoHAsync_v2", api.cuMemcpyDtoHAsync, missing);
  resolve(library, "cuMemcpyDtoDAsync_v2", api.cuMemcpyDtoDAsync, missing);
  resolve(library, "cuMemsetD8_v2", api.cuMemsetD8, missing);
  resolve(library, "cuMemsetD8Async", api.cuMemsetD8Async, missing);
  resolve(library, "cuMemsetD32Async", api.cuMemsetD32Async, missing);
}

void resolve_kernels(void* library, DriverApi& api, std::string& missing) {
  resolve(library, "cuModuleLoadData", api.cuModuleLoadData, missing);
  resolve(library, "cuModuleUnload", api.cuModuleUnload, missing);
  resolve(library, "cuModuleGetFunction", api.cuModuleGetFunction, missing);
  resolve(library, "cuFuncGetAttribute", api.cuFuncGetAttribute, missing);
  resolve(library, "cuFuncSetAttribute", api.cuFuncSetAttribute, missing);
  resolve(library, "cuOccupancyMaxActiveBlocksPerMultiprocessor", api.cuOccupancyMaxActiveBlocksPerMultiprocessor,
          missing);
  resolve(library, "cuOccupancyMaxActiveClusters", api.cuOccupancyMaxActiveClusters, missing);
  resolve(library, "cuLaunchKernelEx", api.cuLaunchKernelEx, missing);
  resolve(library, "cuTensorMapEncodeTiled", api.cuTensorMapEncodeTiled, missing);
}

void resolve_streams(void* library, DriverApi& api, std::string& missing) {
  resolve(library, "cuStreamCreate", api.cuStreamCreate, missing);
  resolve(library, "cuStreamDestroy_v2", api.cuStreamDestroy, missing);
  resolve(library, "cuStreamSynchronize", api.cuStreamSynchronize, missing);
  resolve(library, "cuStreamWaitEvent", api.cuStreamWaitEvent, missing);
  resolve(library, "cuStreamBeginCapture_v2", api.cuStreamBeginCapture, missing);
  resolve(library, "cuStreamEndCapture", api.cuStreamEndCapture, missing);
  resolve(library, "cuEventCreate", api.cuEventCreate, missing);
  resolve(library, "cuEventDestroy_v2", api.cuEventDestroy, missing);
  resolve(library, "cuEventRecord", api.cuEventRecord, missing);
  resolve(library, "cuEventSynchronize", api.cuEventSynchronize, missing);
  resolve(library, "cuEventElapsedTime", api.cuEventElapsedTime, missing);
  resolve(library, "cuGraphInstantiateWithFlags", api.cuGraphInstantiateWithFlags, missing);
  resolve(library, "cuGraphLaunch", api.cuGraphLaunch, missing);
  resolve(library, "cuGraphExecDestroy", api.cuGraphExecDestroy, missing);
  resolve(library, "cuGraphDestroy", api.cuGraphDestroy, missing);
}

ErrorCode code_of(CuResult result) {
  switch (result) {
    case kCuOutOfMemory:
      return ErrorCode::out_of_memory;
    case kCuInvalidImage:
    case kCuNoBinaryForGpu:
    case kCuUnsupportedPtxVersion:
      return ErrorCode::unsupported;
    default:
      return ErrorCode::environment;
  }
}

}  // namespace

const DriverLoad& Driver::load() {
  static const DriverLoad kLoaded = load_from("libcuda.so.1");
  return kLoaded;
}

DriverLoad Driver::load_from(const std::string& library) {
  // NOTE: never closed: the driver keeps threads and exit handlers that outlive any of our objects.
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = dlerror();
    return {nullptr, "no NVIDIA driver: " + std::string(reason != nullptr ? reason : library + " cannot be loaded")};
  }
  const std::shared_ptr<Driver> driver(new Driver());
  std::string missing;
  resolve_devices(handle, driver->api_, missing);
  resolve_memory(handle, driver->api_, missing);
  resolve_kernels(handle, driver->api_, missing);
  resolve_streams(handle, driver->api_, missing);
  if (!missing.empty()) {
    return {nullptr, library + " lacks " + missing + ": " + kNeededDriver};
  }
  const CuResult result = driver->api_.cuInit(0);
  if (result == kCuNoDevice) {
    return {nullptr, "the NVIDIA driver finds no GPU: cuInit: " + driver->describe(result)};
  }
  if (result != kCuSuccess) {
    return {nullptr, "the NVIDIA driver does not start: cuInit: " + driver->describe(result)};
  }
  if (const CuResult asked = driver->api_.cuDriverGetVersion(&driver->version_); asked != kCuSuccess) {
    return {nullptr, "the NVIDIA driver does not answer: cuDriverGetVersion: " + driver->describe(asked)};
  }
  return {driver, ""};
}

std::string Driver::describe(CuResult result) const {
  const char* name = nullptr;
  const char* text = nullptr;
  const bool known = api_.cuGetErrorName(result, &name) == kCuSuccess && name != nullptr;
  std::string words = known ? name : "CUDA_ERROR_WITHOUT_A_NAME";
  words += " (" + std::to_string(result) + ")";
  if (api_.cuGetErrorString(result, &text) == kCuSuccess && text != nullptr) words += ": " + std::string(text);
  return words;
}

void Driver::fail(CuResult result, const char* call, const std::string& context) const {
  throw Error(code_of(result), std::string(call) + ": " + describe(result) + (context.empty() ? "" : "; ") + context);
}

namespace {

int required(const Driver& driver, CuDevice device, DeviceAttribute attribute) {
  int value = 0;
  driver.check(driver.api().cuDeviceGetAttribute(&value, attribute, device), "cuDeviceGetAttribute",
               "attribute " + std::to_string(static_cast<int>(attribute)));
  return value;
}

// Drivers for CUDA 13 and newer may stop answering what NVML tells: then it is unknown, not 0.
std::optional<int> if_known(const Driver& driver, CuDevice device, DeviceAttribute attribute) {
  int value = 0;
  const bool known = driver.api().cuDeviceGetAttribute(&value, attribute, device) == kCuSuccess && value > 0;
  return known ? std::optional(value) : std::nullopt;
}

GpuInfo gpu_info(const Driver& driver, int ordinal) {
  const DriverApi& api = driver.api();
  CuDevice device = 0;
  driver.check(api.cuDeviceGet(&device, ordinal), "cuDeviceGet", "cuda:" + std::to_string(ordinal));
  std::array<char, 256> name = {};
  driver.check(api.cuDeviceGetName(name.data(), static_cast<int>(name.size()), device), "cuDeviceGetName");
  std::array<char, 32> pci_id = {};
  driver.check(api.cuDeviceGetPCIBusId(pci_id.data(), static_cast<int>(pci_id.size()), device), "cuDeviceGetPCIBusId");

  GpuInfo info;
  info.ordinal = ordinal;
  info.name = name.data();
  info.pci_id = pci_id.data();
  driver.check(api.cuDeviceTotalMem(&info.memory_bytes, device), "cuDeviceTotalMem");
  const auto bytes = [&](DeviceAttribute attribute) {
    return static_cast<std::size_t>(required(driver, device, attribute));
  };
  info.compute_major = required(driver, device, DeviceAttribute::compute_capability_major);
  info.compute_minor = required(driver, device, DeviceAttribute::compute_capability_minor);
  info.multiprocessors = required(driver, device, DeviceAttribute::multiprocessors);
  info.l2_bytes = bytes(DeviceAttribute::l2_bytes);
  info.smem_bytes_per_multiprocessor = bytes(DeviceAttribute::smem_bytes_per_multiprocessor);
  info.max_smem_bytes_per_block = bytes(DeviceAttribute::max_smem_bytes_per_block);
  info.clock_khz = if_known(driver, device, DeviceAttribute::clock_khz);
  info.memory_clock_khz = if_known(driver, device, DeviceAttribute::memory_clock_khz);
  info.memory_bus_bits = if_known(driver, device, DeviceAttribute::memory_bus_bits);
  int ecc = 0;
  if (api.cuDeviceGetAttribute(&ecc, DeviceAttribute::ecc_enabled, device) == kCuSuccess) info.ecc = ecc != 0;
  return info;
}

}  // namespace

std::vector<GpuInfo> list_gpus(const Driver& driver) {
  int count = 0;
  driver.check(driver.api().cuDeviceGetCount(&count), "cuDeviceGetCount");
  std::vector<GpuInfo> gpus;
  gpus.reserve(static_cast<std::size_t>(count));
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    gpus.push_back(gpu_info(driver, ordinal));
  }
  return gpus;
}

std::optional<std::string> why_unusable(const GpuInfo& gpu) {
  if (gpu.compute_major == 9 && gpu.compute_minor == 0) return std::nullopt;
  return "its compute capability is " + std::to_string(gpu.compute_major) + "." + std::to_string(gpu.compute_minor) +
         ", and the kernels are for 9.0 (Hopper, sm_90a)";
}

}  // namespace thresher::gpu
