// Packs on the host, one block of 64 rows and 64 k a time. The order is explained at sm90::dequantise().
#include "gpu/sm90_pack.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "format/scale_layout.hpp"
#include "gpu/kernels/sm90_config.cuh"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

using sm90::kBlockK;
using sm90::kBlockRows;
using sm90::kPackedBytes;

// Where pair j of a word has its sign and its lowest magnitude bit, in each half of 16 bits.
constexpr std::array<int, 4> kSignBit{15, 7, 8, 0};
constexpr std::array<int, 4> kMagnitudeBit{9, 1, 12, 4};

struct Source {
  const Nvfp4View* gate;
  const Nvfp4View* up;  // null: plain

  // The matrix and row behind row 0..63 of block `block`; the row may lie beyond the matrix.
  [[nodiscard]] std::pair<const Nvfp4View*, std::int64_t> at(std::int64_t block, int row) const {
    if (up == nullptr) return {gate, block * kBlockRows + row};
    // Of 16 rows that a warp takes, 8 are gate and 8 are up rows of the same columns of C.
    const int warp = row / 16, line = row % 8;
    return {row % 16 < 8 ? gate : up, block * (kBlockRows / 2) + 8 * warp + line};
  }
};

unsigned code_at(const Nvfp4View& view, std::int64_t row, std::int64_t k) {
  if (row >= view.rows || k >= view.k) return 0;
  const unsigned byte = view.codes[(row * view.k + k) / 2];
  return k % 2 == 0 ? byte & 0xFU : byte >> 4;
}

std::uint8_t scale_at(const Nvfp4View& view, std::int64_t row, std::int64_t k) {
  if (row >= view.rows || k >= view.k) return 0;
  const std::int64_t block = k / kScaleBlock;
  const std::int64_t at = view.layout == ScaleLayout::row_major ? row * (view.k / kScaleBlock) + block
                                                                : swizzled_scale_offset(row, block, view.k);
  return view.scales[at];
}

void pack_block(const Source& source, std::int64_t block, std::int64_t k_block, std::uint8_t* out) {
  for (int thread = 0; thread < sm90::kWarpgroup; ++thread) {
    const int warp = thread / 32, line = thread % 32 / 4, pair = thread % 4;
    const auto [upper, upper_row] = source.at(block, 16 * warp + line);
    const auto [lower, lower_row] = source.at(block, 16 * warp + line + 8);
    for (int step = 0; step < kBlockK / 16; ++step) {
      const std::int64_t k = k_block * kBlockK + step * 16;
      std::uint32_t word = 0;
      for (std::size_t j = 0; j < 4; ++j) {
        const Nvfp4View& view = j % 2 == 0 ? *upper : *lower;
        const std::int64_t row = j % 2 == 0 ? upper_row : lower_row;
        for (int half = 0; half < 2; ++half) {
          const unsigned code = code_at(view, row, k + 2 * pair + (j >= 2 ? 8 : 0) + half);
          word |= (code >> 3) << (kSignBit[j] + 16 * half);
          word |= (code & 7U) << (kMagnitudeBit[j] + 16 * half);
        }
      }
      std::memcpy(out + thread * 16 + step * 4, &word, sizeof(word));
      if (pair == 0) {
        std::uint8_t* scales = out + sm90::kCodeBytes + (8 * warp + line) * 8 + 2 * step;
        scales[0] = scale_at(*upper, upper_row, k);
        scales[1] = scale_at(*lower, lower_row, k);
      }
    }
  }
}

}  // namespace

Sm90PackedShape sm90_packed_shape(const WeightsShape& shape) {
  const std::int64_t columns = shape.op == Op::gated ? kBlockRows / 2 : kBlockRows;
  const std::int64_t quad = columns * sm90::kQuad;
  Sm90PackedShape packed;
  packed.blocks = (shape.n + quad - 1) / quad * sm90::kQuad;
  // Whole stages of either tile_k: a stage with half its k would multiply what the stage before left there.
  constexpr std::int64_t kStageK = 2 * kBlockK;
  packed.k_blocks = (shape.k + kStageK - 1) / kStageK * 2;
  std::size_t bytes = kPackedBytes;
  for (const std::int64_t factor : {packed.blocks, packed.k_blocks, shape.groups}) {
    if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(factor), &bytes) ||
        bytes > std::numeric_limits<std::ptrdiff_t>::max()) {
      throw Error(ErrorCode::out_of_memory, "weights: groups " + std::to_string(shape.groups) + " x n " +
                                                std::to_string(shape.n) + " x k " + std::to_string(shape.k) +
                                                " do not fit the address space; split the groups");
    }
  }
  packed.bytes = bytes / static_cast<std::size_t>(shape.groups);
  return packed;
}

void sm90_pack(const WeightsShape& shape, const Nvfp4View& gate, const Nvfp4View* up, std::span<std::uint8_t> out) {
  const Sm90PackedShape packed = sm90_packed_shape(shape);
  const Source source{&gate, up};
#pragma omp parallel for schedule(static)
  for (std::int64_t block = 0; block < packed.blocks; ++block) {
    const std::int64_t quad = block / sm90::kQuad, side = block % sm90::kQuad;
    for (std::int64_t k_block = 0; k_block < packed.k_blocks; ++k_block) {
      const std::int64_t at = ((quad * packed.k_blocks + k_block) * sm90::kQuad + side) * kPackedBytes;
      pack_block(source, block, k_block, out.data() + at);
    }
  }
}

}  // namespace thresher::gpu
