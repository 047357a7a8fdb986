// libcuda.so.1, loaded when it is first asked for: its functions, its errors in words, and what GPUs there are.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gpu/cuda_abi.hpp"

namespace thresher::gpu {

class Driver;

/// Either a driver that is initialised, or why there is none.
struct DriverLoad {
  std::shared_ptr<const Driver> driver;
  std::string why_not;  // empty when there is a driver
};

class Driver {
 public:
  /// The machine's driver; looked for once in the life of the process. Never throws for a missing driver.
  static const DriverLoad& load();
  /// The same for a library of this name or path, looked for now.
  static DriverLoad load_from(const std::string& library);

  [[nodiscard]] const DriverApi& api() const { return api_; }
  /// 1000 * major + 10 * minor of the newest CUDA that the driver knows, e.g. 12040.
  [[nodiscard]] int version() const { return version_; }

  /// Throws Error with "cuCall: CUDA_ERROR_NAME (number): text" and, behind a semicolon, `context` when there is any.
  void check(CuResult result, const char* call, const std::string& context = {}) const {
    if (result != kCuSuccess) fail(result, call, context);
  }
  /// "CUDA_ERROR_NAME (number): text".
  [[nodiscard]] std::string describe(CuResult result) const;
  [[noreturn]] void fail(CuResult result, const char* call, const std::string& context) const;

 private:
  Driver() = default;

  DriverApi api_;
  int version_ = 0;
};

/// What the driver says of a GPU. Values that a driver does not know are nothing.
struct GpuInfo {
  int ordinal = 0;  // the N of cuda:N
  std::string name;
  std::string pci_id;
  int compute_major = 0;
  int compute_minor = 0;
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t l2_bytes = 0;
  std::size_t smem_bytes_per_multiprocessor = 0;
  std::size_t max_smem_bytes_per_block = 0;
  std::optional<int> clock_khz;         // highest clock of the multiprocessors
  std::optional<int> memory_clock_khz;  // highest clock of the memory
  std::optional<int> memory_bus_bits;
  std::optional<bool> ecc;

  bool operator==(const GpuInfo&) const = default;
};

/// The GPUs that the driver shows (CUDA_VISIBLE_DEVICES applies), in the driver's order. Throws Error.
std::vector<GpuInfo> list_gpus(const Driver& driver);

/// Why our kernels can't run on this GPU; nothing when they can.
std::optional<std::string> why_unusable(const GpuInfo& gpu);

}  // namespace thresher::gpu
