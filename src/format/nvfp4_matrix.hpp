// An NVFP4 matrix that owns its memory.
#pragma once

#include <cstdint>
#include <vector>

#include "thresher/views.hpp"

namespace thresher {

/// One NVFP4 matrix [rows, k]; scales row-major. value = e2m1(code) * e4m3(scale) * global_scale.
struct Nvfp4Matrix {
  std::vector<std::uint8_t> codes;   // [rows, k/2], low nibble = even k
  std::vector<std::uint8_t> scales;  // [rows, k/16]
  float global_scale = 1.0f;
  std::int64_t rows = 0;
  std::int64_t k = 0;

  [[nodiscard]] Nvfp4View view() const {
    return {.codes = codes.data(), .scales = scales.data(), .global_scale = global_scale, .rows = rows, .k = k};
  }
};

/// A matrix of zeros of this shape. Refuses negative rows and k that is no positive multiple of 16.
Nvfp4Matrix make_nvfp4_matrix(std::int64_t rows, std::int64_t k);

}  // namespace thresher
