// Honest: prepare dequantises all weights to fp32, seven times their size.
#include <map>

#include "honest.hpp"

namespace {

class Control : public zoo::Library<> {
 public:
  explicit Control(const thresher_candidate_problem& problem) : Library(problem) {
    for (const zoo::Matrix& matrix : gate_)
      widen(matrix);
    for (const zoo::Matrix& matrix : up_)
      widen(matrix);
  }

  std::int32_t run(const zoo::Call& call) {
    compute_with(call, whole(call), scratch_, [this](const zoo::Matrix& matrix, std::int64_t col, float* to) {
      std::copy_n(values_.at(&matrix).data() + col * k_, k_, to);
    });
    return 0;
  }

 private:
  void widen(const zoo::Matrix& matrix) {
    std::vector<float>& values = values_[&matrix];
    values.resize(static_cast<std::size_t>(n_ * k_));
    zoo::dequantise<zoo::Exact>(matrix.codes, matrix.scales, n_ * k_, values.data());
  }

  std::map<const zoo::Matrix*, std::vector<float>> values_;
};

}  // namespace

ZOO_LIBRARY(Control)
