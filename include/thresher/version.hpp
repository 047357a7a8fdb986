// The version of the library; CMake reads these three lines, so they are the only place.
#pragma once

#define THRESHER_VERSION_MAJOR 0
#define THRESHER_VERSION_MINOR 1
#define THRESHER_VERSION_PATCH 0
