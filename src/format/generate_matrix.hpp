// One NVFP4 matrix or one row of halves of a recipe: the part of generate() that has to be fast.
#pragma once

#include <cstdint>
#include <vector>

#include "format/generate.hpp"
#include "format/nvfp4_matrix.hpp"
#include "format/random.hpp"

namespace thresher {

/// Whose numbers: `integers` keeps activations smaller than weights, so that sums stay within fp16.
enum class Side : int { weights = 0, activations = 1 };

/// Codes and scales of a recipe; the global scale stays 1.
Nvfp4Matrix generate_matrix(Recipe recipe, Side side, std::int64_t rows, std::int64_t k, Random random);

/// fp16 or bf16 bit patterns of a recipe's activations.
std::vector<std::uint16_t> generate_halves(Recipe recipe, OperandType type, std::int64_t count, Random random);

/// Root mean square of e2m1 * e4m3 in generate_matrix(); what the global scale must divide by.
float matrix_rms(Recipe recipe);

/// Root mean square of generate_halves().
float halves_rms(Recipe recipe);

}  // namespace thresher
