// The knobs of the CPU kernels: a plain struct with named fields, one pair of functions for its text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace thresher {

/// Instruction sets with a kernel, worst to best.
enum class Isa : int { automatic = 0, portable = 1, avx2 = 2, avx512 = 3, amx = 4 };

/// How results leave: through the cache, or past it with non-temporal stores.
enum class StoreMode : int { cached = 0, streaming = 1 };

/// Who dequantises: every thread its own panels, or one thread of each pair for the other.
enum class Roles : int { fused = 0, specialised = 1 };

/// One point of the CPU kernels' knobs. 0 (and `automatic`) means: chosen for the problem and the machine.
struct CpuConfig {
  Isa isa = Isa::automatic;
  std::int32_t block_m = 0;             // tokens per task; a multiple of 16
  std::int32_t block_n = 0;             // columns of C per task; a multiple of 32
  std::int32_t block_k = 0;             // k elements dequantised per panel; a multiple of 32
  std::int32_t dequant_stages = 0;      // 1: dequantise, then multiply; s >= 2: panel j+s-1 while panel j multiplies
  std::int32_t prefetch_distance = -1;  // bytes of packed weights fetched ahead; 0: none, -1: chosen
  StoreMode store = StoreMode::cached;
  Roles roles = Roles::fused;
  std::int32_t threads = 0;  // OpenMP threads of a call; 0: all

  bool operator==(const CpuConfig&) const = default;
};

/// "isa=avx2,block_m=64,..." with every field, in declaration order.
std::string to_text(const CpuConfig& config);

/// Parses "field=value,..." over the defaults. Throws Error(parse) naming an unknown field or a bad value,
/// and listing the fields that exist.
CpuConfig cpu_config_from_text(std::string_view text);

const char* to_string(Isa isa) noexcept;
const char* to_string(StoreMode store) noexcept;
const char* to_string(Roles roles) noexcept;
std::optional<Isa> parse_isa(std::string_view text) noexcept;

}  // namespace thresher
