// Wrong: computes the published n and k only, elsewhere nothing. Expected: check, on its held-out shapes.
#include "honest.hpp"
#include "published.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    if (n_ == zoo::kPublishedN && k_ == zoo::kPublishedK) compute(call, whole(call));
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
