// Wrong: writes nothing. Expected: check, the poison is still in the output.
#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  static std::int32_t run(const zoo::Call& call) {
    static_cast<void>(call);
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
