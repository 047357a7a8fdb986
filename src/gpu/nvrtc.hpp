// NVRTC, the compiler of CUDA C++ at run time: finding its library, compiling text to a cubin. It needs no GPU.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "device/environment.hpp"

namespace thresher::gpu {

/// Where libnvrtc is looked for; the order is that of the fields.
struct NvrtcSearch {
  std::optional<std::string> forced;  // THRESHER_NVRTC: this one or none
  std::vector<std::string> names = {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"};  // as the loader finds them
  std::vector<std::filesystem::path> toolkits;                                           // folders with lib64/ or lib/
  std::vector<std::filesystem::path> projects;  // folders with .venv/, where a wheel may be installed
};

/// What the environment, /usr/local, the current folder and the folder of the executable offer.
NvrtcSearch nvrtc_search(const device::Environment& environment);

/// The names and paths to try, best first. Only names of the loader are given unseen: paths exist.
std::vector<std::string> nvrtc_candidates(const NvrtcSearch& search);

struct Header {
  std::string name;  // as it is included
  std::string text;

  bool operator==(const Header&) const = default;
};

/// What NVRTC compiles.
struct NvrtcInput {
  std::string_view name;  // of the source, in messages
  std::string_view source;
  std::string_view arch;  // "sm_90a"
  std::span<const std::string> options;
  std::span<const Header> headers;
};

struct NvrtcOutput {
  std::string cubin;
  std::string log;
};

/// A source that does not compile is a value: a candidate may be wrong.
struct CompileFailure {
  std::string reason;  // one line
  std::string log;     // of the compiler; empty when it did not come so far
};

class Nvrtc;

struct NvrtcLoad {
  std::shared_ptr<const Nvrtc> nvrtc;
  std::string why_not;                 // empty when there is one
  std::vector<std::string> looked_at;  // what was tried, each with its outcome
};

class Nvrtc {
 public:
  /// Never throws for a missing library.
  static NvrtcLoad load(const NvrtcSearch& search);

  [[nodiscard]] const std::string& library() const { return library_; }
  [[nodiscard]] const std::string& version() const { return version_; }  // "13.0"

  /// Any number of threads may compile at a time.
  [[nodiscard]] std::variant<NvrtcOutput, CompileFailure> compile(const NvrtcInput& input) const;

 private:
  struct Api;
  Nvrtc(std::shared_ptr<const Api> api, std::string library, std::string version);
  static std::shared_ptr<const Nvrtc> try_library(const std::string& name, std::string& outcome);

  std::shared_ptr<const Api> api_;
  std::string library_;
  std::string version_;
};

/// Those of every kernel: the language, and a log with registers, spills and local memory.
std::vector<std::string> standard_options();

}  // namespace thresher::gpu
