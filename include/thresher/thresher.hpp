// Everything a C++ user includes.
#pragma once

#include "thresher/champions.hpp"  // IWYU pragma: export
#include "thresher/config.hpp"     // IWYU pragma: export
#include "thresher/engine.hpp"     // IWYU pragma: export
#include "thresher/error.hpp"      // IWYU pragma: export
#include "thresher/problem.hpp"    // IWYU pragma: export
#include "thresher/version.hpp"    // IWYU pragma: export
#include "thresher/views.hpp"      // IWYU pragma: export
#include "thresher/weights.hpp"    // IWYU pragma: export
