// Codes, scales and halves of the recipes.
//
// Quantising hundreds of megabytes of N(0,1) would take longer than the benches that want them. Instead a pool of
// blocks is quantised once, and each block drawn is a block of the pool with fresh signs: codes and scales keep their
// joint distribution (a block's largest element is always at or next to 6), at one multiply-chain per 16 elements.
#include "format/generate_matrix.hpp"

#include <array>

#include "format/e4m3.hpp"
#include "format/half.hpp"
#include "format/quantize.hpp"

namespace thresher {
namespace {

constexpr std::uint64_t kSignBits = 0x8888888888888888ull;  // bit 3 of each nibble

// The largest magnitude for which the pools' global scale leaves room, in standard deviations.
constexpr float kNormalMax = 5.0f;
constexpr float kOutlierFactor = 64.0f;
// One element in 512: about one block in 32 has an outlier.
constexpr std::uint64_t kOutlierPeriod = 512;

float outlier_or_one(Recipe recipe, Random& random) {
  return recipe == Recipe::outliers && random.below(kOutlierPeriod) == 0 ? kOutlierFactor : 1.0f;
}

// 16 codes as one number, element 0 in the low nibble.
struct Block {
  std::uint64_t codes = 0;
  std::uint8_t scale = 0;
};

constexpr std::size_t kPoolBlocks = 4096;
using Pool = std::array<Block, kPoolBlocks>;

float pool_global_scale(Recipe recipe) {
  const float amax = recipe == Recipe::outliers ? kNormalMax * kOutlierFactor : kNormalMax;
  return amax / (6.0f * 448.0f);
}

Pool make_pool(Recipe recipe) {
  Pool pool;
  // A fixed seed: the pool is a table of a distribution, what is drawn from it follows the caller's seed.
  Random random(20);
  for (Block& block : pool) {
    float values[16];
    for (float& value : values) {
      const float factor = outlier_or_one(recipe, random);
      value = factor * random.normal();
    }
    std::uint8_t bytes[8];
    quantize_block16(values, pool_global_scale(recipe), bytes, &block.scale);
    for (int i = 0; i < 8; ++i)
      block.codes |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return pool;
}

const Pool& pool_of(Recipe recipe) {
  static const Pool normal = make_pool(Recipe::normal);
  static const Pool outliers = make_pool(Recipe::outliers);
  return recipe == Recipe::outliers ? outliers : normal;
}

// Byte by byte, so that the bytes do not depend on the machine's order; compilers make one store of it.
void store_codes(std::uint64_t codes, std::uint8_t* to) {
  for (int i = 0; i < 8; ++i)
    to[i] = static_cast<std::uint8_t>(codes >> (8 * i));
}

void fill_from_pool(const Pool& pool, Nvfp4Matrix& matrix, Random& random) {
  for (std::size_t i = 0; i < matrix.scales.size(); ++i) {
    const Block& block = pool[random.below(kPoolBlocks)];
    store_codes(block.codes ^ (random.next() & kSignBits), &matrix.codes[8 * i]);
    matrix.scales[i] = block.scale;
  }
}

void fill_full_range(Nvfp4Matrix& matrix, Random& random) {
  for (std::size_t i = 0; i < matrix.scales.size(); ++i) {
    store_codes(random.next(), &matrix.codes[8 * i]);
    const std::uint32_t draw = random.below(254);  // skips 0x7F and ends at 0xFE
    matrix.scales[i] = static_cast<std::uint8_t>(draw < 0x7F ? draw : draw + 1);
  }
}

void fill_subnormal(Nvfp4Matrix& matrix, Random& random) {
  for (std::size_t i = 0; i < matrix.scales.size(); ++i) {
    store_codes(random.next(), &matrix.codes[8 * i]);
    const std::uint32_t draw = random.below(16);
    matrix.scales[i] = static_cast<std::uint8_t>((draw & 7) | ((draw & 8) << 4));
  }
}

void fill_integers(Side side, Nvfp4Matrix& matrix, Random& random) {
  // Weights 0 1 2 3 4 6 and activations 0 1 2, of both signs, in codes: a product of them averages 4.2 in magnitude, so
  // sums over k = 7168 stay near 2000 at the most, which fp16 still holds exactly.
  constexpr std::array<std::uint8_t, 16> kWeights = {0, 2, 4, 5, 6, 7, 2, 4, 10, 12, 13, 14, 15, 10, 12, 8};
  constexpr std::array<std::uint8_t, 16> kActivations = {0, 0, 0, 2, 2, 2, 2, 4, 8, 8, 8, 10, 10, 10, 10, 12};
  const auto& table = side == Side::weights ? kWeights : kActivations;
  for (std::size_t i = 0; i < matrix.scales.size(); ++i) {
    const std::uint64_t bits = random.next();
    std::uint64_t codes = 0;
    for (int e = 0; e < 16; ++e)
      codes |= static_cast<std::uint64_t>(table[(bits >> (4 * e)) & 0xF]) << (4 * e);
    store_codes(codes, &matrix.codes[8 * i]);
    matrix.scales[i] = kE4m3One;
  }
}

// One in about 64 rows reads a NaN, and at least one does: enough to test, few enough to leave other outputs finite.
void plant_nans(Nvfp4Matrix& matrix, Random& random) {
  if (matrix.scales.empty()) return;
  for (std::int64_t i = 0; i < 1 + matrix.rows / 64; ++i) {
    matrix.scales[random.below(matrix.scales.size())] = i % 2 == 0 ? 0x7F : 0xFF;
  }
}

// A half with an exponent drawn uniformly over some 20 binades up to 16, zeros and subnormals among them.
std::uint16_t full_range_half(OperandType type, Random& random) {
  const std::uint32_t sign = random.below(2) << 15;
  if (type == OperandType::fp16) return static_cast<std::uint16_t>(sign | random.below(19 << 10));
  const std::uint32_t exponent = random.below(32) == 0 ? 0 : 130 - random.below(24);
  return static_cast<std::uint16_t>(sign | (exponent << 7) | random.below(1 << 7));
}

}  // namespace

Nvfp4Matrix generate_matrix(Recipe recipe, Side side, std::int64_t rows, std::int64_t k, Random random) {
  Nvfp4Matrix matrix = make_nvfp4_matrix(rows, k);
  switch (recipe) {
    case Recipe::full_range:
      fill_full_range(matrix, random);
      break;
    case Recipe::integers:
      fill_integers(side, matrix, random);
      break;
    case Recipe::subnormal_scales:
      fill_subnormal(matrix, random);
      break;
    case Recipe::normal:
    case Recipe::outliers:
    case Recipe::nan_scales:
      fill_from_pool(pool_of(recipe), matrix, random);
      break;
  }
  if (recipe == Recipe::nan_scales) plant_nans(matrix, random);
  return matrix;
}

std::vector<std::uint16_t> generate_halves(Recipe recipe, OperandType type, std::int64_t count, Random random) {
  std::vector<std::uint16_t> halves(static_cast<std::size_t>(count));
  for (std::uint16_t& half : halves) {
    if (recipe == Recipe::full_range) {
      half = full_range_half(type, random);
      continue;
    }
    float value = 0.0f;
    if (recipe == Recipe::integers) {
      constexpr std::array<float, 8> kValues = {-2, -1, -1, 0, 0, 1, 1, 2};
      value = kValues[random.below(kValues.size())];
    } else {
      const float factor = outlier_or_one(recipe, random);
      value = factor * random.normal();
    }
    half = type == OperandType::fp16 ? fp16_from_float(value) : bf16_from_float(value);
  }
  return halves;
}

float matrix_rms(Recipe recipe) {
  // Uniform codes have an rms of sqrt(68.5 / 8); uniform finite scales one of 100, subnormal ones sqrt(17.5) * 2^-9.
  constexpr float kCodeRms = 2.926f;
  switch (recipe) {
    case Recipe::full_range:
      return kCodeRms * 100.0f;
    case Recipe::subnormal_scales:
      return kCodeRms * 4.183f * 0x1p-9f;
    case Recipe::integers:
      return 1.0f;
    case Recipe::normal:
    case Recipe::outliers:
    case Recipe::nan_scales:
      break;
  }
  return halves_rms(recipe) / pool_global_scale(recipe);
}

float halves_rms(Recipe recipe) {
  // outliers: 1 + 64^2 / 512 = 9 is the mean square. full_range: dominated by its upper binades.
  return recipe == Recipe::full_range || recipe == Recipe::outliers ? 3.0f : 1.0f;
}

}  // namespace thresher
