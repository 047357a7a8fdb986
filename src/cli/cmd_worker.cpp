// thresher worker: the process that runs one side of a race. Started by races, not by people, so no page lists it.
#include <string_view>

#include "cli/program.hpp"
#include "measure/worker.hpp"

namespace thresher::cli {

bool is_worker(int argc, const char* const* argv) {
  return argc > 1 && argv[1] == std::string_view(measure::kWorkerCommand);
}

int run_worker(int argc, const char* const* argv) {
  return measure::worker_main(argc, argv);
}

}  // namespace thresher::cli
