// Keeps a ledger to one request.
#include "cli/ledger_request.hpp"

#include <fmt/format.h>

#include "thresher/error.hpp"

namespace thresher::cli {

void enter_request(tank::Ledger& ledger, const char* command, const tank::Json& request) {
  const std::optional<tank::Event> entered = ledger.find("request", command);
  if (!entered) {
    if (!ledger.events().empty()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the ledger was not begun by 'thresher {}'; give another file with --ledger", command));
    }
    ledger.append("request", command, request);
    return;
  }
  for (const auto& [key, value] : request.items()) {
    if (entered->data.contains(key) && entered->data.at(key) == value) continue;
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("the ledger was begun with {} {} and this is {}; give another file with --ledger, or delete it",
                    key, entered->data.value(key, tank::Json(nullptr)).dump(), value.dump()));
  }
}

}  // namespace thresher::cli
