// Wrong: reads the 64 bytes behind the last block scale, as a vector load that is too wide does. Expected: check, the
// page behind them can't be read.
#include "honest.hpp"

namespace {

constexpr std::int64_t kVector = 64;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    const volatile std::uint8_t* behind = call.a_scales + rows(call) * k_ / 16 + kVector - 1;
    static_cast<void>(*behind);
    compute(call, whole(call));
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
