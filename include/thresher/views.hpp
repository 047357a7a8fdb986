// Non-owning views of the matrices a call reads and writes. Nothing here owns or copies memory.
#pragma once

#include <cstdint>
#include <span>

#include "thresher/problem.hpp"

namespace thresher {

/// How the E4M3 scales of a matrix lie in memory.
enum class ScaleLayout : int {
  row_major = 0,       ///< [rows, k/16], as every checkpoint format stores them
  swizzled_128x4 = 1,  ///< cuBLAS / tcgen05 order: [ceil(rows/128)][ceil(k/64)][32][4][4]; 16-byte aligned
};

/// One NVFP4 matrix [rows, k]: value = e2m1(code) * e4m3(scale) * global_scale.
struct Nvfp4View {
  const std::uint8_t* codes = nullptr;   // [rows, k/2] bytes, low nibble = even k
  const std::uint8_t* scales = nullptr;  // E4M3, see layout
  float global_scale = 1.0f;             // multiplier; finite
  std::int64_t rows = 0;
  std::int64_t k = 0;
  ScaleLayout layout = ScaleLayout::row_major;
};

/// The activations A of all groups, rows concatenated: [rows, k].
struct OperandView {
  OperandType type = OperandType::nvfp4;
  const void* data = nullptr;            // nvfp4: codes [rows, k/2]; fp16, bf16: [rows, k]
  const std::uint8_t* scales = nullptr;  // nvfp4 only: E4M3 [rows, k/16] row-major
  std::span<const float> global_scales;  // nvfp4 only: one for all groups, or one per group
  std::int64_t rows = 0;
  std::int64_t k = 0;
};

/// The result C of all groups, rows concatenated: [rows, n].
struct OutputView {
  OutputType type = OutputType::fp16;
  void* data = nullptr;            // fp16, bf16, fp32: [rows, n]; nvfp4: codes [rows, n/2], n % 16 == 0
  std::uint8_t* scales = nullptr;  // nvfp4 only: E4M3 [rows, n/16] row-major
  float global_scale = 1.0f;       // nvfp4 only: the s_g to quantise with; finite and > 0
  std::int64_t rows = 0;
  std::int64_t n = 0;
};

}  // namespace thresher
