// Loads cuBLAS and calls it. Names and numbers are NVIDIA's.
#include "measure/cublas.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "gpu/nvrtc.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {

// NOLINTBEGIN(readability-identifier-naming): NVIDIA's names, so that a search finds both the call and its manual.
struct Cublas::Api {
  int (*cublasCreate_v2)(void** handle) = nullptr;
  int (*cublasDestroy_v2)(void* handle) = nullptr;
  int (*cublasSetStream_v2)(void* handle, gpu::CuStream stream) = nullptr;
  int (*cublasGemmEx)(void* handle, int transpose_a, int transpose_b, int m, int n, int k, const void* alpha,
                      const void* a, int a_type, int lda, const void* b, int b_type, int ldb, const void* beta, void* c,
                      int c_type, int ldc, int compute_type, int algorithm) = nullptr;
};
// NOLINTEND(readability-identifier-naming)

namespace {

constexpr int kSuccess = 0;
constexpr int kTransposed = 1;
constexpr int kNotTransposed = 0;
constexpr int kFp16 = 2;              // CUDA_R_16F
constexpr int kSumsInFp32 = 68;       // CUBLAS_COMPUTE_32F
constexpr int kChosenAlgorithm = -1;  // CUBLAS_GEMM_DEFAULT

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

void check(int status, const char* call) {
  if (status == kSuccess) return;
  throw Error(ErrorCode::environment, std::string(call) + ": cublasStatus_t " + std::to_string(status) +
                                          "; the rate of the GPU can't be measured with this cuBLAS");
}

}  // namespace

CublasLoad Cublas::load(const gpu::ContextRef& context, const gpu::Stream& stream,
                        const std::vector<std::string>& candidates) {
  CublasLoad result;
  for (const std::string& name : candidates) {
    void* const library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* const reason = dlerror();
      result.why_not += (result.why_not.empty() ? "" : "; ") + std::string(reason != nullptr ? reason : name.c_str());
      continue;
    }
    auto api = std::make_unique<Api>();
    void* handle = nullptr;
    const gpu::ContextScope scope(*context);
    if (find(library, "cublasCreate_v2", api->cublasCreate_v2) &&
        find(library, "cublasDestroy_v2", api->cublasDestroy_v2) &&
        find(library, "cublasSetStream_v2", api->cublasSetStream_v2) &&
        find(library, "cublasGemmEx", api->cublasGemmEx) && api->cublasCreate_v2(&handle) == kSuccess) {
      result.cublas.reset(new Cublas(context, name, std::move(api), handle));
      check(result.cublas->api_->cublasSetStream_v2(handle, stream.get()), "cublasSetStream_v2");
      result.why_not.clear();
      return result;
    }
    // NOTE: the library stays loaded: it may have begun work of its own that unloading would pull away.
    result.why_not += (result.why_not.empty() ? "" : "; ") + name + ": it does not start on this GPU";
  }
  return result;
}

Cublas::Cublas(gpu::ContextRef context, std::string library, std::unique_ptr<const Api> api, void* handle)
    : context_(std::move(context)), library_(std::move(library)), api_(std::move(api)), handle_(handle) {}

Cublas::~Cublas() {
  // NOTE: a scope that throws has no place in a destructor.
  const gpu::DriverApi& driver = context_->driver().api();
  if (driver.cuCtxPushCurrent(context_->handle()) != gpu::kCuSuccess) return;
  api_->cublasDestroy_v2(handle_);
  gpu::CuContext popped = nullptr;
  driver.cuCtxPopCurrent(&popped);
}

void Cublas::multiply(gpu::CuDevicePtr a, gpu::CuDevicePtr b, gpu::CuDevicePtr c, int size) const {
  const float one = 1.0F;
  const float zero = 0.0F;
  const gpu::ContextScope scope(*context_);
  check(api_->cublasGemmEx(handle_, kTransposed, kNotTransposed, size, size, size, &one,
                           reinterpret_cast<const void*>(b), kFp16, size, reinterpret_cast<const void*>(a), kFp16, size,
                           &zero, reinterpret_cast<void*>(c), kFp16, size, kSumsInFp32, kChosenAlgorithm),
        "cublasGemmEx");
}

std::vector<std::string> cublas_candidates(const device::Environment& environment) {
  std::vector<std::string> candidates = {"libcublas.so.13", "libcublas.so.12"};
  for (const std::filesystem::path& toolkit : gpu::nvrtc_search(environment).toolkits) {
    for (const char* name : {"lib64/libcublas.so.13", "lib64/libcublas.so.12"}) {
      std::error_code error;
      if (std::filesystem::exists(toolkit / name, error)) candidates.push_back((toolkit / name).string());
    }
  }
  return candidates;
}

}  // namespace thresher::measure
