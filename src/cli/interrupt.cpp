// Signal handling of the command line.
#include "cli/interrupt.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

namespace thresher::cli {
namespace {

// A signal handler can reach nothing but globals.
volatile sig_atomic_t g_interrupted = 0;
timespec g_first = {};

// Several signals this close together are one press of Ctrl-C: tools such as timeout send it to the process and then to
// its group.
constexpr double kSamePressSeconds = 0.5;

extern "C" void note_interrupt(int signal) {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (g_interrupted == 0) {
    g_first = now;
    g_interrupted = 1;
    return;
  }
  const double passed =
      static_cast<double>(now.tv_sec - g_first.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec - g_first.tv_nsec);
  if (passed > kSamePressSeconds) {
    _exit(128 + signal);
  }
}

}  // namespace

void watch_signals() noexcept {
  struct sigaction action = {};
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

bool interrupted() noexcept {
  return g_interrupted != 0;
}

void stop_if_interrupted() {
  if (interrupted()) {
    throw Interrupted();
  }
}

}  // namespace thresher::cli
