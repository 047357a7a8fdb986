// Wrong: a single element in a single call, and that only in a race. Expected: race, the comparison of all elements
// with those of the other side.
#include "honest.hpp"
#include "published.hpp"

namespace {

// Of the process: a state is made for each set of weights, and sees few calls.
int calls_in_a_row = 0;
constexpr int kWrongCall = 14;
constexpr std::int64_t kWrongRow = 2;
constexpr std::int64_t kWrongColumn = 41;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    calls_in_a_row = n_ == zoo::kPublishedN && k_ == zoo::kPublishedK ? calls_in_a_row + 1 : 0;
    compute(call, whole(call));
    if (calls_in_a_row == kWrongCall) call.out[kWrongRow * n_ + kWrongColumn] ^= 0x0100u;
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
