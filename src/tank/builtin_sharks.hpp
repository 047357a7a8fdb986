// The five sharks that every panel has; docs/sharks.md says what each looks at and what its figures rest on.
#pragma once

#include <memory>

#include "tank/panel.hpp"

namespace thresher::tank {

std::unique_ptr<Shark> roofline_shark();
std::unique_ptr<Shark> compiler_shark();
std::unique_ptr<Shark> scheduler_shark();
std::unique_ptr<Shark> historian_shark();
std::unique_ptr<Shark> risk_shark();

}  // namespace thresher::tank
