// The test program is also its own worker: executors start /proc/self/exe.
#include <gtest/gtest.h>

#include <string_view>

#include "measure/worker.hpp"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == thresher::measure::kWorkerCommand) {
    return thresher::measure::worker_main(argc, argv);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
