// The process that runs one candidate: reads messages, maps the arbiter's memory, packs weights, computes.
#pragma once

namespace thresher::measure {

/// The hidden subcommand of the program that serves, and its only option: `worker --socket FD`.
inline constexpr const char* kWorkerCommand = "worker";

/// Where a worker finds its socket.
inline constexpr int kWorkerSocket = 3;

/// Serves until the arbiter says quit or is gone. Returns the exit status, or 2 when this is no worker's command line.
/// NOTE: does not return once a library is loaded, whose destructors are not ours to run.
int worker_main(int argc, const char* const* argv);

}  // namespace thresher::measure
