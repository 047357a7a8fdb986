// Seeded inputs for tests, benches and rounds: the same (problem, recipe, seed) gives the same bytes everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "format/nvfp4_matrix.hpp"
#include "thresher/problem.hpp"
#include "thresher/views.hpp"

namespace thresher {

/// What the inputs look like. In every recipe but `integers` the global scales of gate, up and of each group's
/// activations differ (gate's is below up's), and are such that the products are of the order of 1 for any k.
enum class Recipe : int {
  full_range = 0,        ///< all 16 codes and all 254 finite scale codes of both signs, uniformly; halves span binades
  normal = 1,            ///< quantised N(0,1), drawn from a table: the default of benches; 100 MB in a blink
  integers = 2,          ///< scales and global scales 1, small integers: every sum is exact in fp32 in any order
  outliers = 3,          ///< `normal` with one element in about 500 some 64 times larger
  nan_scales = 4,        ///< `normal` with a few NaN scale bytes (0x7F, 0xFF) in weights and NVFP4 activations
  subnormal_scales = 5,  ///< scale codes 0x00..0x07 and 0x80..0x87 only, all 16 codes
};

/// Every recipe, in declaration order.
inline constexpr Recipe kRecipes[] = {Recipe::full_range, Recipe::normal,     Recipe::integers,
                                      Recipe::outliers,   Recipe::nan_scales, Recipe::subnormal_scales};

const char* to_string(Recipe recipe) noexcept;
std::optional<Recipe> parse_recipe(std::string_view text) noexcept;

/// A problem with its inputs. Moving keeps views valid; copying gives new memory.
struct ProblemData {
  Problem problem;
  std::vector<std::int32_t> offsets;   // [groups + 1]: group g is rows [offsets[g], offsets[g+1])
  std::vector<Nvfp4Matrix> gate;       // [groups], each [n, k]; plain: the weights
  std::vector<Nvfp4Matrix> up;         // [groups] when gated, else empty
  Nvfp4Matrix a_nvfp4;                 // operand nvfp4: [total_m, k]; its own global_scale is not used
  std::vector<std::uint16_t> a_half;   // operand fp16, bf16: [total_m, k]
  std::vector<float> a_global_scales;  // operand nvfp4: [groups]
  std::vector<float> bias;             // [groups, n] when problem.bias
  std::vector<float> bias_up;          // [groups, n] when problem.bias and gated
  float out_global_scale = 1.0f;       // output nvfp4: the s_g to quantise with

  /// The activations as a call takes them; valid while this object lives.
  [[nodiscard]] OperandView a() const;
};

/// Everything: activations, bias and all weights. Validates the problem first.
ProblemData generate(const Problem& problem, Recipe recipe, std::uint64_t seed);

/// The same data without weights (gate and up stay empty), for callers who make, pack and drop weights one by one.
ProblemData generate_activations(const Problem& problem, Recipe recipe, std::uint64_t seed);

/// The weights of one group, the same bytes as generate() gives. which: 0 gate (or plain), 1 up (gated only).
Nvfp4Matrix generate_weights(const Problem& problem, Recipe recipe, std::uint64_t seed, std::int64_t group, int which);

}  // namespace thresher
