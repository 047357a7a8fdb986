// Wrong: from the second call of a size on, hands out what the first computed. Expected: check, a second content.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    const auto count = static_cast<std::size_t>(rows(call) * n_);
    if (last_.size() == count) {
      std::copy(last_.begin(), last_.end(), call.out);
      return 0;
    }
    compute(call, whole(call));
    last_.assign(call.out, call.out + count);
    return 0;
  }

 private:
  std::vector<std::uint16_t> last_;
};

}  // namespace

ZOO_LIBRARY(Attack)
