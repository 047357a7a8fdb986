// Honest: prepare packs every block's scale and codes into nine bytes in a row, and reads the given weights no more.
#include <array>

#include "honest.hpp"

namespace {

class Control : public zoo::Library<> {
 public:
  explicit Control(const thresher_candidate_problem& problem) : Library(problem) {
    for (const zoo::Matrix& matrix : gate_)
      pack(matrix);
    for (const zoo::Matrix& matrix : up_)
      pack(matrix);
  }

  std::int32_t run(const zoo::Call& call) {
    compute_with(call, whole(call), scratch_, [this](const zoo::Matrix& matrix, std::int64_t col, float* to) {
      unpack(packed_of(matrix).data() + col * k_ / 16, to);
    });
    return 0;
  }

 private:
  struct Block {
    std::uint8_t scale = 0;
    std::array<std::uint8_t, 8> codes{};
  };

  void pack(const zoo::Matrix& matrix) {
    std::vector<Block>& blocks = packed_.emplace_back(static_cast<std::size_t>(n_ * k_ / 16));
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      blocks[i].scale = matrix.scales[i];
      std::copy_n(matrix.codes + 8 * i, 8, blocks[i].codes.begin());
    }
  }

  [[nodiscard]] const std::vector<Block>& packed_of(const zoo::Matrix& matrix) const {
    const bool is_gate = &matrix >= gate_.data() && &matrix < gate_.data() + gate_.size();
    const auto index = static_cast<std::size_t>(is_gate ? &matrix - gate_.data() : &matrix - up_.data());
    return packed_[is_gate ? index : gate_.size() + index];
  }

  void unpack(const Block* blocks, float* to) const {
    for (std::int64_t i = 0; i < k_ / 16; ++i)
      zoo::dequantise<zoo::Exact>(blocks[i].codes.data(), &blocks[i].scale, 16, to + 16 * i);
  }

  std::vector<std::vector<Block>> packed_;  // gates, then ups
};

}  // namespace

ZOO_LIBRARY(Control)
