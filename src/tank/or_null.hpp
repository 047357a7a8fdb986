// A value that may be missing, as JSON: null says that there is none.
#pragma once

#include <optional>

#include "tank/ledger.hpp"

namespace thresher::tank {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace thresher::tank
