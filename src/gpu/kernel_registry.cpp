// The table of kernels.
#include "gpu/kernel_registry.hpp"

#include <array>

#include "gpu/sm90_kernel.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

// What an open field is chosen for here; a call chooses for its own rows.
constexpr std::int64_t kRowsOfInspection = 128;

std::variant<PreparedKernel, WhyNot> prepare_sm90(Op op, std::string_view text) {
  const Sm90Traits traits{.op = op};
  Sm90Config config;
  try {
    config = sm90_config_from_text(text);
  } catch (const Error& error) {
    return WhyNot{error.what()};
  }
  if (std::string reason = why_invalid(config); !reason.empty()) return WhyNot{std::move(reason)};
  config = resolve(config, traits, {.rows = kRowsOfInspection});
  if (std::string reason = why_not(config, traits); !reason.empty()) return WhyNot{std::move(reason)};
  PreparedKernel kernel{.source = sm90_multiply(config, traits), .launch = {}};
  kernel.launch.block.x = static_cast<unsigned>(*kernel.source.threads);
  kernel.launch.dynamic_smem_bytes = static_cast<unsigned>(kernel.source.dynamic_smem_bytes);
  kernel.launch.programmatic_serialization = true;
  return kernel;
}

std::variant<PreparedKernel, WhyNot> prepare_plain(std::string_view config) {
  return prepare_sm90(Op::plain, config);
}

std::variant<PreparedKernel, WhyNot> prepare_gated(std::string_view config) {
  return prepare_sm90(Op::gated, config);
}

constexpr std::array kKernels{
    RegisteredKernel{"sm90_plain", "Hopper: grouped NVFP4 GEMM, weights dequantised in registers, wgmma",
                     prepare_plain},
    RegisteredKernel{"sm90_gated",
                     "Hopper: grouped NVFP4 dual GEMM with its activation, weights dequantised in registers, wgmma",
                     prepare_gated},
};

}  // namespace

std::span<const RegisteredKernel> registered_kernels() {
  return kKernels;
}

const RegisteredKernel& kernel_named(std::span<const RegisteredKernel> kernels, std::string_view name) {
  std::string names;
  for (const RegisteredKernel& kernel : kernels) {
    if (kernel.name == name) return kernel;
    names += (names.empty() ? "" : ", ") + std::string(kernel.name);
  }
  throw Error(ErrorCode::invalid_argument, "there is no kernel '" + std::string(name) + "'; " +
                                               (names.empty() ? "this build has none" : "there are " + names));
}

}  // namespace thresher::gpu
