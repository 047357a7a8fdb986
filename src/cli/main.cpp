// The program: runs a command and turns what it throws into one line on stderr and an exit status.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "thresher/error.hpp"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

int fail(int status, const char* message) {
  fmt::print(stderr, "thresher: {}\n", message);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  thresher::cli::watch_signals();
  try {
    return thresher::cli::Program().run(argc, argv);
  } catch (const thresher::cli::OutputClosed&) {
    return thresher::cli::kExitOutputClosed;
  } catch (const thresher::cli::Interrupted& interrupt) {
    return fail(thresher::cli::kExitInterrupted, interrupt.what());
  } catch (const thresher::cli::UsageError& error) {
    return fail(kExitUsage, error.what());
  } catch (const thresher::Error& error) {
    return fail(kExitFailed, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kExitFailed, "out of memory; give fewer cases (--case) or end other programs");
  } catch (const std::exception& error) {
    return fail(kExitFailed, error.what());
  }
}
