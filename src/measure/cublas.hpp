// cuBLAS, loaded when it is there: one product of fp16 matrices, called through its C ABI.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "device/environment.hpp"
#include "gpu/context.hpp"

namespace thresher::measure {

class Cublas;

/// Either a library with its handle, or why there is none.
struct CublasLoad {
  std::unique_ptr<const Cublas> cublas;
  std::string why_not;  // empty when there is one
};

class Cublas {
 public:
  /// The first library that loads; what it launches goes into `stream`, which must outlive it. Never throws for a
  /// missing library.
  static CublasLoad load(const gpu::ContextRef& context, const gpu::Stream& stream,
                         const std::vector<std::string>& candidates);
  ~Cublas();
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  [[nodiscard]] const std::string& library() const { return library_; }

  /// c = b^T * a of square fp16 matrices [size, size], sums in fp32.
  void multiply(gpu::CuDevicePtr a, gpu::CuDevicePtr b, gpu::CuDevicePtr c, int size) const;

 private:
  struct Api;
  Cublas(gpu::ContextRef context, std::string library, std::unique_ptr<const Api> api, void* handle);

  gpu::ContextRef context_;
  std::string library_;
  std::unique_ptr<const Api> api_;
  void* handle_;
};

/// As the loader finds it, then in the CUDA toolkits.
std::vector<std::string> cublas_candidates(const device::Environment& environment);

}  // namespace thresher::measure
