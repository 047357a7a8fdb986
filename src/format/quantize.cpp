// The NVFP4 quantiser and its inverse.
#include "format/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/pack.hpp"
#include "format/scale_layout.hpp"
#include "thresher/error.hpp"

namespace thresher {
namespace {

float scale_of(const Nvfp4View& matrix, std::int64_t row, std::int64_t block) {
  const std::int64_t at = matrix.layout == ScaleLayout::row_major ? row * (matrix.k / kScaleBlock) + block
                                                                  : swizzled_scale_offset(row, block, matrix.k);
  return e4m3_to_float(matrix.scales[at]);
}

float global_scale_of(std::span<const float> values) {
  float amax = 0.0f;
  for (const float value : values) {
    if (std::isfinite(value)) amax = std::max(amax, std::fabs(value));
  }
  const float global_scale = amax / (kE2m1Max * kE4m3Max);
  return global_scale > 0.0f ? global_scale : 1.0f;
}

}  // namespace

Nvfp4Matrix make_nvfp4_matrix(std::int64_t rows, std::int64_t k) {
  if (rows < 0 || k < kScaleBlock || k % kScaleBlock != 0 || rows > std::numeric_limits<std::int64_t>::max() / 16 / k) {
    throw Error(ErrorCode::invalid_argument,
                "an NVFP4 matrix of rows = " + std::to_string(rows) + ", k = " + std::to_string(k) +
                    " can't be: rows must be >= 0, k a positive multiple of 16, and both fit the address space");
  }
  Nvfp4Matrix matrix;
  matrix.codes.resize(static_cast<std::size_t>(rows * (k / 2)));
  matrix.scales.resize(static_cast<std::size_t>(rows * (k / kScaleBlock)));
  matrix.rows = rows;
  matrix.k = k;
  return matrix;
}

void quantize_block16(const float* x, float global_scale, std::uint8_t* codes8, std::uint8_t* scale) {
  std::fill(codes8, codes8 + 8, std::uint8_t{0});
  float amax = 0.0f;
  for (int i = 0; i < 16; ++i) {
    if (std::isnan(x[i])) {
      *scale = kE4m3Nan;
      return;
    }
    amax = std::max(amax, std::fabs(x[i]));
  }
  *scale = e4m3_from_float(amax / kE2m1Max / global_scale);
  const float step = e4m3_to_float(*scale) * global_scale;
  if (step == 0.0f) return;
  for (int i = 0; i < 16; ++i) {
    const int code = e2m1_from_float(x[i] / step);
    codes8[i / 2] = static_cast<std::uint8_t>(codes8[i / 2] | (code << (4 * (i % 2))));
  }
}

Nvfp4Matrix quantize(std::span<const float> values, std::int64_t rows, std::int64_t k,
                     std::optional<float> global_scale) {
  Nvfp4Matrix matrix = make_nvfp4_matrix(rows, k);
  if (values.size() != static_cast<std::size_t>(rows * k)) {
    throw Error(ErrorCode::invalid_argument, std::to_string(values.size()) +
                                                 " values do not match rows = " + std::to_string(rows) +
                                                 ", k = " + std::to_string(k) + ": give " + std::to_string(rows * k));
  }
  if (global_scale && !(std::isfinite(*global_scale) && *global_scale > 0.0f)) {
    throw Error(ErrorCode::invalid_argument, "global scale " + std::to_string(*global_scale) +
                                                 " must be finite and > 0: leave it out to derive it from the values");
  }
  matrix.global_scale = global_scale ? *global_scale : global_scale_of(values);
  for (std::size_t block = 0; block < matrix.scales.size(); ++block) {
    quantize_block16(&values[16 * block], matrix.global_scale, &matrix.codes[8 * block], &matrix.scales[block]);
  }
  return matrix;
}

std::vector<float> dequantise(const Nvfp4View& matrix) {
  std::vector<float> values(static_cast<std::size_t>(matrix.rows * matrix.k));
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    const std::uint8_t* codes = matrix.codes + row * (matrix.k / 2);
    float* out = values.data() + row * matrix.k;
    for (std::int64_t k = 0; k < matrix.k; ++k) {
      out[k] = e2m1_to_float(nibble_at(codes, k)) * scale_of(matrix, row, k / kScaleBlock) * matrix.global_scale;
    }
  }
  return values;
}

void dequantise_row(const Nvfp4View& matrix, std::int64_t row, double* out) {
  const std::uint8_t* codes = matrix.codes + row * (matrix.k / 2);
  for (std::int64_t block = 0; block < matrix.k / kScaleBlock; ++block) {
    const float scale = scale_of(matrix, row, block);
    for (std::int64_t k = block * kScaleBlock; k < (block + 1) * kScaleBlock; ++k) {
      out[k] = static_cast<double>(e2m1_to_float(nibble_at(codes, k)) * scale);
    }
  }
}

}  // namespace thresher
