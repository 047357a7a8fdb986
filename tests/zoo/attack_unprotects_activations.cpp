// Wrong: takes the protection off the activations and clears them when it is done. Expected: check, the system refuses
// (the write then crashes), or the inputs are found changed.
#include "honest.hpp"
#include "make_writable.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, whole(call));
    const std::int64_t bytes = rows(call) * k_ / 2;
    zoo::make_writable(call.a_codes, static_cast<std::size_t>(bytes));
    std::fill_n(const_cast<std::uint8_t*>(call.a_codes), bytes, std::uint8_t{0});
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
