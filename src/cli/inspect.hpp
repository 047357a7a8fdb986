// A kernel compiled without a GPU, and what the compiler says of it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cli/json_output.hpp"
#include "gpu/compiler.hpp"
#include "gpu/kernel_registry.hpp"

namespace thresher::cli {

struct InspectRequest {
  std::string kernel;
  std::string config = {};               // "field=value,..." over the kernel's defaults
  std::optional<std::string> arch = {};  // instead of the kernel's own
};

struct InspectReport {
  std::string kernel;
  std::string description;
  std::string config;
  std::string arch;
  gpu::LaunchPlan launch;
  std::variant<gpu::CompiledKernel, gpu::CompileFailure> outcome;

  [[nodiscard]] const gpu::CompiledKernel* compiled() const { return std::get_if<gpu::CompiledKernel>(&outcome); }
  [[nodiscard]] const gpu::CompileFailure* failure() const { return std::get_if<gpu::CompileFailure>(&outcome); }
};

/// Throws Error for a kernel that does not exist and for a config that can't run, in the kernel's own words.
InspectReport inspect(const InspectRequest& request, std::span<const gpu::RegisteredKernel> kernels,
                      const gpu::Compiler& compiler);

Json to_json(const InspectReport& report);
std::string to_text(const InspectReport& report);

}  // namespace thresher::cli
