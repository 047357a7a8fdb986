// The AMX tiles of a thread, in plain C++. Use before a configuration aborts, as it would fault.
#pragma once

#include "emulated_vectors.hpp"

namespace emulation {

struct Tiles {
  bool configured = false;
  std::uint16_t row_bytes[8] = {};
  std::uint8_t rows[8] = {};
  std::uint8_t data[8][16][64] = {};
};
inline Tiles& all_tiles() {
  static thread_local Tiles state;
  return state;
}
inline Tiles& tiles() {
  if (!all_tiles().configured) fault("a tile is used before its configuration");
  return all_tiles();
}
inline void configure_tiles(const void* config) {
  const auto* bytes = static_cast<const std::uint8_t*>(config);
  if (bytes[0] != 1) fault("the palette is not 1");
  Tiles& state = all_tiles();
  state = Tiles{};
  state.configured = true;
  for (int tile = 0; tile < 8; ++tile) {
    std::memcpy(&state.row_bytes[tile], bytes + 16 + 2 * tile, 2);
    state.rows[tile] = bytes[48 + tile];
    if (state.row_bytes[tile] > 64 || state.rows[tile] > 16) fault("a tile is larger than 16 rows of 64 bytes");
  }
}
inline void zero_tile(int tile) {
  std::memset(tiles().data[tile], 0, sizeof tiles().data[tile]);
}
inline void load_tile(int tile, const void* base, std::int64_t stride) {
  Tiles& state = tiles();
  zero_tile(tile);
  for (int row = 0; row < state.rows[tile]; ++row) {
    std::memcpy(state.data[tile][row], static_cast<const std::uint8_t*>(base) + row * stride, state.row_bytes[tile]);
  }
}
inline void store_tile(int tile, void* base, std::int64_t stride) {
  Tiles& state = tiles();
  for (int row = 0; row < state.rows[tile]; ++row) {
    std::memcpy(static_cast<std::uint8_t*>(base) + row * stride, state.data[tile][row], state.row_bytes[tile]);
  }
}
inline float flushed(float v) {
  return std::fabs(v) < 0x1p-126f ? std::copysign(0.0f, v) : v;
}
inline float bf16(std::uint16_t bits) {
  return flushed(bits_as<float>(static_cast<std::uint32_t>(bits) << 16U));
}

// TDPBF16PS: even and odd products added one after the other, rounded to nearest, subnormals flushed.
inline void multiply_tiles(int c, int a, int b) {
  Tiles& state = tiles();
  for (int m = 0; m < state.rows[c]; ++m) {
    float sum[16];
    std::uint16_t left[32];
    std::memcpy(sum, state.data[c][m], 64);
    std::memcpy(left, state.data[a][m], 64);
    for (int k = 0; k < state.row_bytes[a] / 4; ++k) {
      std::uint16_t right[32];
      std::memcpy(right, state.data[b][k], 64);
      for (int n = 0; n < state.row_bytes[c] / 4; ++n) {
        sum[n] = flushed(sum[n] + bf16(left[2 * k]) * bf16(right[2 * n]));
        sum[n] = flushed(sum[n] + bf16(left[2 * k + 1]) * bf16(right[2 * n + 1]));
      }
    }
    std::memcpy(state.data[c][m], sum, 64);
  }
}

}  // namespace emulation
