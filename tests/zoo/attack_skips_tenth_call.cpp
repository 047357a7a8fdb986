// Wrong: every tenth call gets half of the rows only. Expected: check or race, which look at every output.
#include "honest.hpp"

namespace {

// Of the process: a state is made for each set of weights, and sees few calls.
int calls = 0;

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    compute(call, {0, ++calls % 10 == 0 ? rows(call) / 2 : rows(call), 0, n_});
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
