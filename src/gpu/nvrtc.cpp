// Calls NVRTC through its C ABI, declared here so that building needs no CUDA headers.
#include "gpu/nvrtc.hpp"

#include <dlfcn.h>

#include <system_error>
#include <utility>

namespace thresher::gpu {

namespace {

using NvrtcResult = int;
constexpr NvrtcResult kSuccess = 0;
constexpr NvrtcResult kCompilationFailed = 6;
// sm_90a came with CUDA 12.0.
constexpr int kOldestMajor = 12;
using Program = struct ProgramObject*;

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): NVIDIA's names, so that a search finds both the call and its manual.
struct Nvrtc::Api {
  NvrtcResult (*nvrtcVersion)(int* major, int* minor) = nullptr;
  const char* (*nvrtcGetErrorString)(NvrtcResult result) = nullptr;
  NvrtcResult (*nvrtcCreateProgram)(Program* program, const char* source, const char* name, int headers,
                                    const char* const* texts, const char* const* names) = nullptr;
  NvrtcResult (*nvrtcDestroyProgram)(Program* program) = nullptr;
  NvrtcResult (*nvrtcCompileProgram)(Program program, int count, const char* const* options) = nullptr;
  NvrtcResult (*nvrtcGetCUBINSize)(Program program, std::size_t* bytes) = nullptr;
  NvrtcResult (*nvrtcGetCUBIN)(Program program, char* cubin) = nullptr;
  NvrtcResult (*nvrtcGetProgramLogSize)(Program program, std::size_t* bytes) = nullptr;
  NvrtcResult (*nvrtcGetProgramLog)(Program program, char* log) = nullptr;
};
// NOLINTEND(readability-identifier-naming)

namespace {

// The compiler opens libnvrtc-builtins by its bare name when it first compiles. Where the loader would not find it, it
// is enough that the one beside libnvrtc is loaded already.
void load_builtins_beside(const std::filesystem::path& library) {
  if (!library.has_parent_path()) return;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(library.parent_path(), error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().starts_with("libnvrtc-builtins.so")) {
      dlopen(entry->path().c_str(), RTLD_NOW | RTLD_LOCAL);
      return;
    }
  }
}

class ProgramOwner {
 public:
  ProgramOwner(NvrtcResult (*destroy)(Program*), Program program) : destroy_(destroy), program_(program) {}
  ~ProgramOwner() { destroy_(&program_); }
  ProgramOwner(const ProgramOwner&) = delete;
  ProgramOwner& operator=(const ProgramOwner&) = delete;
  [[nodiscard]] Program get() const { return program_; }

 private:
  NvrtcResult (*destroy_)(Program*);
  Program program_;
};

template <typename Size, typename Get>
NvrtcResult fetch(Program program, Size size, Get get, std::string& text) {
  std::size_t bytes = 0;
  if (const NvrtcResult result = size(program, &bytes); result != kSuccess) return result;
  text.resize(bytes);
  return bytes == 0 ? kSuccess : get(program, text.data());
}

std::string first_error(const std::string& log) {
  const std::size_t found = log.find("error");
  if (found == std::string::npos) return {};
  const std::size_t begin = log.rfind('\n', found) + 1;  // npos + 1 is 0
  return log.substr(begin, log.find('\n', found) - begin);
}

}  // namespace

Nvrtc::Nvrtc(std::shared_ptr<const Api> api, std::string library, std::string version)
    : api_(std::move(api)), library_(std::move(library)), version_(std::move(version)) {}

std::shared_ptr<const Nvrtc> Nvrtc::try_library(const std::string& name, std::string& outcome) {
  // NOTE: never closed: the compiler registers exit handlers.
  void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = dlerror();
    outcome = reason != nullptr ? reason : name + ": cannot be loaded";
    return nullptr;
  }
  const auto api = std::make_shared<Api>();
  const auto resolve = [&](const char* symbol, auto& function) {
    void* const address = dlsym(handle, symbol);
    if (address == nullptr) outcome += (outcome.empty() ? name + ": lacks " : ", ") + std::string(symbol);
    function = reinterpret_cast<std::decay_t<decltype(function)>>(address);
  };
  resolve("nvrtcVersion", api->nvrtcVersion);
  resolve("nvrtcGetErrorString", api->nvrtcGetErrorString);
  resolve("nvrtcCreateProgram", api->nvrtcCreateProgram);
  resolve("nvrtcDestroyProgram", api->nvrtcDestroyProgram);
  resolve("nvrtcCompileProgram", api->nvrtcCompileProgram);
  resolve("nvrtcGetCUBINSize", api->nvrtcGetCUBINSize);
  resolve("nvrtcGetCUBIN", api->nvrtcGetCUBIN);
  resolve("nvrtcGetProgramLogSize", api->nvrtcGetProgramLogSize);
  resolve("nvrtcGetProgramLog", api->nvrtcGetProgramLog);
  if (!outcome.empty()) return nullptr;
  int major = 0;
  int minor = 0;
  if (const NvrtcResult result = api->nvrtcVersion(&major, &minor); result != kSuccess) {
    outcome = name + ": nvrtcVersion: " + api->nvrtcGetErrorString(result);
    return nullptr;
  }
  const std::string version = std::to_string(major) + "." + std::to_string(minor);
  if (major < kOldestMajor) {
    outcome = name + ": it is version " + version + ", and sm_90a needs 12.0 or newer";
    return nullptr;
  }
  load_builtins_beside(name);
  outcome = name + ": version " + version;
  return std::shared_ptr<const Nvrtc>(new Nvrtc(api, name, version));
}

NvrtcLoad Nvrtc::load(const NvrtcSearch& search) {
  NvrtcLoad load;
  for (const std::string& candidate : nvrtc_candidates(search)) {
    std::string outcome;
    load.nvrtc = try_library(candidate, outcome);
    load.looked_at.push_back(std::move(outcome));
    if (load.nvrtc != nullptr) return load;
  }
  load.why_not = search.forced ? "THRESHER_NVRTC names no usable libnvrtc: " + load.looked_at.front()
                               : "libnvrtc is not to be found: install the CUDA toolkit 12.0 or newer, or PyPI's "
                                 "nvidia-cuda-nvrtc into .venv, or let THRESHER_NVRTC name it";
  return load;
}

std::variant<NvrtcOutput, CompileFailure> Nvrtc::compile(const NvrtcInput& input) const {
  std::vector<const char*> header_texts;
  std::vector<const char*> header_names;
  for (const Header& header : input.headers) {
    header_texts.push_back(header.text.c_str());
    header_names.push_back(header.name.c_str());
  }
  const std::string arch = "--gpu-architecture=" + std::string(input.arch);
  std::vector<const char*> options = {arch.c_str()};
  for (const std::string& option : input.options) {
    options.push_back(option.c_str());
  }
  const auto failure = [this](const char* call, NvrtcResult result, std::string log) {
    return CompileFailure{.reason = std::string(call) + ": " + api_->nvrtcGetErrorString(result),
                          .log = std::move(log)};
  };

  Program created = nullptr;
  const NvrtcResult creation =
      api_->nvrtcCreateProgram(&created, std::string(input.source).c_str(), std::string(input.name).c_str(),
                               static_cast<int>(header_texts.size()), header_texts.data(), header_names.data());
  if (creation != kSuccess) return failure("nvrtcCreateProgram", creation, "");
  const ProgramOwner program(api_->nvrtcDestroyProgram, created);

  const NvrtcResult result = api_->nvrtcCompileProgram(program.get(), static_cast<int>(options.size()), options.data());
  NvrtcOutput output;
  const NvrtcResult logged = fetch(program.get(), api_->nvrtcGetProgramLogSize, api_->nvrtcGetProgramLog, output.log);
  // NVRTC counts the closing zero.
  while (!output.log.empty() && output.log.back() == '\0') {
    output.log.pop_back();
  }
  if (result == kCompilationFailed) {
    const std::string error = first_error(output.log);
    return CompileFailure{.reason = error.empty() ? "it does not compile" : error, .log = std::move(output.log)};
  }
  if (result != kSuccess) return failure("nvrtcCompileProgram", result, std::move(output.log));
  if (logged != kSuccess) return failure("nvrtcGetProgramLog", logged, "");
  const NvrtcResult fetched = fetch(program.get(), api_->nvrtcGetCUBINSize, api_->nvrtcGetCUBIN, output.cubin);
  if (fetched != kSuccess) return failure("nvrtcGetCUBIN", fetched, std::move(output.log));
  if (output.cubin.empty()) {
    return CompileFailure{.reason = "there is no cubin for " + std::string(input.arch) +
                                    ": name a real architecture (sm_90a), not a virtual one",
                          .log = std::move(output.log)};
  }
  return output;
}

std::vector<std::string> standard_options() {
  // NOTE: two options: joined by a comma, ptxas takes them for one that it does not know.
  return {"--std=c++20", "--ptxas-options=--verbose", "--ptxas-options=--warn-on-local-memory-usage"};
}

}  // namespace thresher::gpu
