// The words of executor.hpp.
#include "measure/executor.hpp"

namespace thresher::measure {

const char* to_string(Side side) noexcept {
  return side == Side::incumbent ? "incumbent" : "candidate";
}

}  // namespace thresher::measure
