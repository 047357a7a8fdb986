// Keeps a ledger to one request: samples of two different races must not be mixed in one file.
#pragma once

#include "tank/ledger.hpp"

namespace thresher::cli {

/// Enters the request, or throws Error(invalid_argument) when the ledger was begun for another one.
void enter_request(tank::Ledger& ledger, const char* command, const tank::Json& request);

}  // namespace thresher::cli
