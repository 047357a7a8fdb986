// The NVFP4 quantiser, which is also the truth for requantised outputs, and its inverse.
//
// All arithmetic is fp32 in the order written, each step rounded to nearest:
//   s_g = amax / (6 * 448)                          one per matrix
//   s_b = RNE_e4m3((amax_block / 6) / s_g)          one per 16 elements; s_b saturates at 448
//   q   = RNE_e2m1(x / (s_b * s_g))                 divides by the *rounded* s_b; ties to even, saturates at 6
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "format/nvfp4_matrix.hpp"
#include "thresher/views.hpp"

namespace thresher {

/// Quantises one block of 16 with a given s_g (finite, > 0): 8 bytes of codes and one scale. The edges:
///  * all zeros (of either sign): scale 0x00, codes 0;
///  * a scale that rounds to 0, or s_b * s_g that underflows to 0: codes 0 (the scale byte as it rounded);
///  * a NaN anywhere in the block: scale 0x7F, codes 0, so that all 16 elements read back as NaN;
///  * an infinity: scale 0x7E (448), its code saturates at +-6, the others as the formula says.
void quantize_block16(const float* x, float global_scale, std::uint8_t* codes8, std::uint8_t* scale);

/// Quantises values[rows, k]. Without `global_scale`, s_g comes from the largest finite magnitude (NaN and infinities
/// don't count). The edges beyond those of quantize_block16():
///  * a matrix of zeros, one without a finite non-zero value, or one so small that s_g underflows to 0: s_g is 1
///    (and what is left of a tiny value then rounds to 0);
///  * rows = 0: an empty matrix with s_g = 1.
/// Throws Error(invalid_argument) when k is no positive multiple of 16, when values.size() != rows * k, or when a given
/// global scale is not finite and > 0.
Nvfp4Matrix quantize(std::span<const float> values, std::int64_t rows, std::int64_t k,
                     std::optional<float> global_scale = {});

/// value = (e2m1 * e4m3) * global_scale in fp32: the first product is exact, the second rounds once. [rows, k].
std::vector<float> dequantise(const Nvfp4View& matrix);

/// Row `row` *without* the global scale, exact: k doubles to `out`. Reads both scale layouts.
void dequantise_row(const Nvfp4View& matrix, std::int64_t row, double* out);

}  // namespace thresher
