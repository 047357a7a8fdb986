// Wrong: leaves out the last row once the published shape was asked for many times in a row, as only a race does.
// Expected: race, which looks at every timed output.
#include "honest.hpp"
#include "published.hpp"

namespace {

// Of the process: a state is made for each set of weights, and sees few calls.
int calls_in_a_row = 0;
constexpr int kHonestCalls = 12;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    calls_in_a_row = n_ == zoo::kPublishedN && k_ == zoo::kPublishedK ? calls_in_a_row + 1 : 0;
    const bool unwatched = calls_in_a_row > kHonestCalls;
    compute(call, {0, unwatched ? rows(call) - 1 : rows(call), 0, n_});
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
