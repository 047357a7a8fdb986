// Writes the few lines of source that choose an instance of the device code.
#include "gpu/sm90_kernel.hpp"

#include <array>

#include "gpu/kernel_text.hpp"

namespace thresher::gpu {
namespace {

// In the order in which they need each other.
constexpr std::array kFiles{"sm90_config.cuh",   "sm90_ptx.cuh",      "sm90_wgmma.cuh",   "sm90_dequantise.cuh",
                            "sm90_schedule.cuh", "sm90_epilogue.cuh", "sm90_prepare.cuh", "sm90_grouped.cuh"};

std::string number(const char* field, int value) {
  return std::string(".") + field + " = " + std::to_string(value) + ", ";
}

template <typename Enum>
std::string choice(const char* field, const char* type, Enum value) {
  return std::string(".") + field + " = static_cast<thresher::sm90::" + type + ">(" +
         std::to_string(static_cast<int>(value)) + "), ";
}

std::string config_source(const sm90::Config& c) {
  return "constexpr thresher::sm90::Config kConfig{" + choice("op", "Operation", c.op) +
         choice("half", "Half", c.half) + choice("result", "Result", c.result) + choice("gate", "Gate", c.gate) +
         ".bias = " + (c.bias ? "true, " : "false, ") + number("consumers", c.consumers) +
         number("row_blocks", c.row_blocks) + number("tile_tokens", c.tile_tokens) +
         number("token_step", c.token_step) + number("tile_k", c.tile_k) + number("stages", c.stages) +
         choice("products", "Products", c.products) + choice("schedule", "Schedule", c.schedule) +
         number("stage_overhead", c.stage_overhead) + number("max_groups", c.max_groups) + "};\n";
}

KernelSource source_of(const char* name, const std::string& body, const sm90::Config& config) {
  KernelSource kernel;
  kernel.name = name;
  for (const char* file : kFiles) {
    kernel.source += "#include \"" + std::string(file) + "\"\n";
    kernel.headers.push_back({file, std::string(kernel_text(file))});
  }
  kernel.source += config_source(config) + body;
  return kernel;
}

}  // namespace

KernelSource sm90_multiply(const Sm90Config& config, const Sm90Traits& traits) {
  const sm90::Config device = device_config(config, traits);
  const sm90::Layout layout = sm90::layout_of(device);
  KernelSource kernel =
      source_of("thresher_multiply",
                "extern \"C\" __global__ void __launch_bounds__(thresher::sm90::layout_of(kConfig).threads, 1)\n"
                "thresher_multiply(const __grid_constant__ thresher::sm90::Call call) {\n"
                "  thresher::sm90::Grouped<kConfig>::run(call);\n}\n",
                device);
  kernel.threads = layout.threads;
  kernel.dynamic_smem_bytes = layout.shared_bytes;
  return kernel;
}

KernelSource sm90_prepare(const Sm90Config& config, const Sm90Traits& traits) {
  KernelSource kernel = source_of("thresher_prepare",
                                  std::string("extern \"C\" __global__ void\n"
                                              "thresher_prepare(const __grid_constant__ thresher::sm90::Call call) {\n"
                                              "  thresher::sm90::prepare_tokens<kConfig, ") +
                                      (traits.operand == OperandType::nvfp4 ? "true" : "false") + ">(call);\n}\n",
                                  device_config(config, traits));
  kernel.threads = kPrepareThreads;
  return kernel;
}

}  // namespace thresher::gpu
