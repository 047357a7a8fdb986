// Wrong: keeps its own copy of the weights, takes the protection off the given ones and clears them, for whoever reads
// them next. Expected: check, the system refuses (the write then crashes), or the inputs are found changed.
#include "honest.hpp"
#include "make_writable.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  explicit Attack(const thresher_candidate_problem& problem) : Library(problem), copies_(gate_.size()) {
    const auto bytes = static_cast<std::size_t>(n_ * k_ / 2);
    for (std::size_t group = 0; group < gate_.size(); ++group) {
      const std::uint8_t* given = gate_[group].codes;
      copies_[group].assign(given, given + bytes);
      gate_[group].codes = copies_[group].data();
      zoo::make_writable(given, bytes);
      std::fill_n(const_cast<std::uint8_t*>(given), bytes, std::uint8_t{0});
    }
  }

 private:
  std::vector<std::vector<std::uint8_t>> copies_;
};

}  // namespace

ZOO_LIBRARY(Attack)
