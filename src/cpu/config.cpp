// Which configs can run, and what the automatic fields become.
#include <omp.h>

#include <algorithm>
#include <string>

#include "cpu/grouped_gemm.hpp"
#include "cpu/panel_layout.hpp"
#include "cpu/workspace.hpp"
#include "device/cpu_info.hpp"
#include "thresher/champions.hpp"
#include "thresher/error.hpp"

namespace thresher::cpu {
namespace {

std::string field(const char* name, std::int64_t value) {
  return std::string(name) + "=" + std::to_string(value);
}

std::optional<std::string> why_block_invalid(const char* name, std::int64_t value, std::int64_t unit,
                                             std::int64_t largest) {
  if (value < 0 || value % unit != 0 || value > largest) {
    return field(name, value) + " can't run: it must be 0 (automatic) or a multiple of " + std::to_string(unit) +
           " up to " + std::to_string(largest);
  }
  return std::nullopt;
}

// How far ahead packed weights are fetched. With few tokens their stream is all there is to wait for; with more, lines
// fetched long before use push the tokens out of L1. Measured with AVX2 on Zen 3, 2 threads: decode-g8-m4 42.7 ms at
// 9216 bytes and 50.0 at 0; g2-k1536 87.4 ms at 1152 bytes, 90.6 at 9216 and 98.2 at 0. AMX dequantises so much faster
// that 1152 bytes are too near for memory: 16 threads read and dequantised 93 GB/s with it, 104 with 9216, 69 with 0.
std::int32_t automatic_prefetch(const ShapeSummary& shape, Isa isa) {
  constexpr std::int32_t kFar = 9216;
  constexpr std::int32_t kNear = 1152;
  const bool decode = shape_class(shape.total_m, shape.groups_with_rows) == ShapeClass::decode;
  return decode || isa == Isa::amx ? kFar : kNear;
}

// AMX dequantises the next panel while one is multiplied, except where few tokens make the sums fit its tiles: the
// panel then needs no buffer. Measured on a Xeon with 16 threads: decode-g8-m4 4.3 ms with 2 stages and 3.3 with 1,
// decode-g32 8.5 and 6.9; g8-k7168 17.4 and 18.5.
std::int32_t automatic_stages(const ShapeSummary& shape, const CpuConfig& config) {
  const bool decode = shape_class(shape.total_m, shape.groups_with_rows) == ShapeClass::decode;
  return config.roles == Roles::specialised || (config.isa == Isa::amx && !decode) ? kMaxAutoStages : 1;
}

// The best usable instruction set, or the one asked for.
Isa resolve_isa(Isa asked) {
  std::string usable;
  for (const IsaStatus& status : device::cpu_info().isas) {
    if (!status.usable || kernels(status.isa) == nullptr) {
      if (status.isa == asked) {
        throw Error(ErrorCode::unsupported, std::string("isa=") + to_string(asked) + " can't run on this machine: " +
                                                status.why_not + "; leave isa automatic or see 'thresher devices'");
      }
      continue;
    }
    if (asked == Isa::automatic || asked == status.isa) {
      return status.isa;
    }
  }
  throw Error(ErrorCode::unsupported, std::string("isa=") + to_string(asked) + " is not part of this build");
}

// All that OpenMP offers. Specialised roles need two of them.
std::int32_t automatic_threads(const CpuConfig& config) {
  const int threads = std::clamp(std::min(omp_get_max_threads(), omp_get_num_procs()), 1, kMaxThreads);
  if (threads == 1 && config.roles == Roles::specialised) {
    throw Error(ErrorCode::invalid_argument,
                "roles=specialised can't run with threads=0 (automatic): it takes threads in pairs, but OpenMP offers "
                "one here; give threads=2, raise OMP_NUM_THREADS or use roles=fused");
  }
  return threads;
}

// Columns per task: wide enough that activations are read from L2 rather than beyond, narrow enough that every thread
// gets several tasks; longest-first scheduling then levels what is left.
std::int64_t automatic_block_n(const ShapeSummary& shape, std::int64_t block_m, std::int64_t threads, Isa isa) {
  constexpr std::int64_t kTasksPerThread = 6;
  const std::int64_t widest = std::min<std::int64_t>(kMaxAutoBlockN, isa == Isa::amx ? 256 : 128);
  const std::int64_t token_blocks = std::max<std::int64_t>(1, divide_up(shape.total_m, block_m));
  const std::int64_t wanted_per_block = std::max<std::int64_t>(1, divide_up(threads * kTasksPerThread, token_blocks));
  const std::int64_t block_n = round_up(std::max<std::int64_t>(1, shape.n / wanted_per_block), 32);
  return std::clamp<std::int64_t>(block_n, 32, widest);
}

}  // namespace

const IsaKernels* kernels(Isa isa) noexcept {
  switch (isa) {
    case Isa::portable:
      return &kPortableKernels;
#ifdef THRESHER_X86
    case Isa::avx2:
      return &kAvx2Kernels;
    case Isa::avx512:
      return &kAvx512Kernels;
    case Isa::amx:
      return &kAmxKernels;
#endif
    default:
      return nullptr;
  }
}

std::optional<std::string> why_invalid(const CpuConfig& config, OutputType output) {
  if (auto why = why_block_invalid("block_m", config.block_m, 16, kMaxBlock)) return why;
  if (auto why = why_block_invalid("block_n", config.block_n, 32, kMaxBlock)) return why;
  if (auto why = why_block_invalid("block_k", config.block_k, kStepK, kMaxBlock)) return why;
  if (config.dequant_stages < 0 || config.dequant_stages > kMaxStages) {
    return field("dequant_stages", config.dequant_stages) + " can't run: it must be 0 (automatic) or 1 .. " +
           std::to_string(kMaxStages);
  }
  if (config.prefetch_distance < -1 || config.prefetch_distance > kMaxPrefetch) {
    return field("prefetch_distance", config.prefetch_distance) + " can't run: it must be -1 (automatic) or 0 .. " +
           std::to_string(kMaxPrefetch) + " bytes";
  }
  if (config.threads < 0 || config.threads > kMaxThreads) {
    return field("threads", config.threads) + " can't run: it must be 0 (all) or 1 .. " + std::to_string(kMaxThreads);
  }
  if (config.store == StoreMode::streaming && config.isa == Isa::portable) {
    return std::string("store=streaming can't run with isa=portable, which has no such stores; use store=cached");
  }
  if (config.store == StoreMode::streaming && output == OutputType::nvfp4) {
    return std::string("store=streaming can't run with nvfp4 output, whose rows are 8 bytes a panel; use store=cached");
  }
  if (config.roles == Roles::specialised && config.dequant_stages == 1) {
    return std::string(
        "roles=specialised can't run with dequant_stages=1: a handed-over panel needs a second buffer; "
        "use dequant_stages >= 2");
  }
  if (config.roles == Roles::specialised && config.threads == 1) {
    return std::string("roles=specialised can't run with threads=1: it takes threads in pairs; use threads >= 2");
  }
  return std::nullopt;
}

CpuConfig resolve(const CpuConfig& config, const ShapeSummary& shape, OutputType output) {
  CpuConfig resolved = config;
  resolved.isa = resolve_isa(config.isa);
  if (resolved.threads == 0) resolved.threads = automatic_threads(config);
  if (const auto why = why_invalid(resolved, output)) {
    throw Error(ErrorCode::invalid_argument, *why);
  }
  if (resolved.block_m == 0) resolved.block_m = static_cast<std::int32_t>(kMaxAutoBlockM);
  if (resolved.block_k == 0) {
    resolved.block_k = static_cast<std::int32_t>(std::min(round_up(shape.k, kStepK), kMaxAutoBlockK));
  }
  if (resolved.block_n == 0) {
    resolved.block_n = static_cast<std::int32_t>(
        automatic_block_n(shape, std::min<std::int64_t>(resolved.block_m, std::max<std::int64_t>(1, shape.largest_m)),
                          resolved.threads, resolved.isa));
  }
  if (resolved.dequant_stages == 0) {
    resolved.dequant_stages = automatic_stages(shape, resolved);
  }
  if (resolved.prefetch_distance < 0) resolved.prefetch_distance = automatic_prefetch(shape, resolved.isa);
  return resolved;
}

}  // namespace thresher::cpu
