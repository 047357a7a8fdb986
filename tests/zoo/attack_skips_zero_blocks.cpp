// Wrong: stops a row of activations at its first block with a zero scale, as if the rest were padding. Expected: check,
// on inputs with zero scales.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    const std::int64_t blocks = rows(call) * k_ / 16;
    scales_.assign(call.a_scales, call.a_scales + blocks);
    for (std::int64_t row = 0; row < rows(call); ++row) {
      const auto begin = scales_.begin() + row * k_ / 16;
      const auto end = begin + k_ / 16;
      std::fill(std::find_if(begin, end, [](std::uint8_t scale) { return (scale & 0x7F) == 0; }), end, std::uint8_t{0});
    }
    zoo::Call padded = call;
    padded.a_scales = scales_.data();
    compute(padded, whole(call));
    return 0;
  }

 private:
  std::vector<std::uint8_t> scales_;
};

}  // namespace

ZOO_LIBRARY(Attack)
