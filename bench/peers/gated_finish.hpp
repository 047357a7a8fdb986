// What a user of a plain matrix product does after it: silu(gate) * up into fp16, vectorised and threaded.
#pragma once

#include <cstdint>

namespace thresher::peers {

/// One group's two products as the peer left them: row t, column j at data + t * row_stride + j elements.
struct Products {
  const void* gate = nullptr;
  const void* up = nullptr;
  std::int64_t row_stride = 0;
  bool bf16 = false;  // else fp32
};

/// out[t, j] = fp16(silu(alpha_gate * gate) * (alpha_up * up)), all rows spread over the OpenMP threads.
void finish_gated(const Products& products, std::int64_t rows, std::int64_t columns, float alpha_gate, float alpha_up,
                  std::uint16_t* out);

}  // namespace thresher::peers
