// thresher compare: its exit status, what it refuses, and its turn on the device.
#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/compare_status.hpp"
#include "cli/device_lock.hpp"
#include "process.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

using cli_test::Folder;
using cli_test::run;

TEST(CliCompare, TheExitStatusFollowsFromTheVerdict) {
  EXPECT_EQ(compare_status(tank::Verdict::win), 0);
  EXPECT_EQ(compare_status(tank::Verdict::same), 0);
  EXPECT_EQ(compare_status(tank::Verdict::loss), 1);
  EXPECT_EQ(compare_status(tank::Verdict::ambiguous), 3);
  EXPECT_EQ(compare_status(tank::Verdict::invalid), 4);
  EXPECT_EQ(compare_status(tank::Verdict::impossible), 4);
  EXPECT_EQ(compare_status(tank::Verdict::error), 4);
}

TEST(CliCompare, SaysInOneLineWhatIsWrong) {
  const auto knob = run("compare block_q=1 block_m=64 --case g2-k1536");
  EXPECT_EQ(knob.status, 1);
  EXPECT_EQ(cli_test::lines(knob.err), 1) << knob.err;
  EXPECT_NE(knob.err.find("block_q"), std::string::npos) << knob.err;
  const auto unknown = run("compare '' block_m=64 --case g2-k1535");
  EXPECT_EQ(unknown.status, 1);
  EXPECT_NE(unknown.err.find("g2-k1535"), std::string::npos) << unknown.err;
  const auto library = run("compare '' /nowhere/candidate.so --case g2-k1536");
  EXPECT_NE(library.status, 0);
  EXPECT_EQ(cli_test::lines(library.err), 1) << library.err;
}

TEST(CliCompare, WrongUseIsExitStatusTwo) {
  EXPECT_EQ(run("compare '' ''").status, 2);
  EXPECT_EQ(run("compare '' --case g2-k1536").status, 2);
  EXPECT_EQ(run("compare '' '' --case g2-k1536 --case g2-k1536").status, 2);
}

TEST(CliCompare, RefusesADamagedLedgerBeforeItMeasures) {
  const Folder folder;
  folder.write("samples.sqlite", "rubbish");
  const auto outcome =
      run("compare '' block_m=64 --case g2-k1536 --ledger " + (folder.path() / "samples.sqlite").string());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(cli_test::lines(outcome.err), 1) << outcome.err;
  EXPECT_NE(outcome.err.find("samples.sqlite"), std::string::npos) << outcome.err;
}

// Two measurements at once would each be the other's noise.
TEST(CliDeviceLock, TheSecondIsRefusedWithTheHoldersNameOrWaitsForIt) {
  const Folder folder;
  setenv("THRESHER_CACHE_DIR", folder.path().c_str(), 1);
  Progress progress;
  {
    const tank::DeviceLock held = lock_device("round 02-lessons", true, progress);
    try {
      const tank::DeviceLock second = lock_device("compare", false, progress);
      FAIL() << "both measure";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find("round 02-lessons"), std::string::npos) << message;
      EXPECT_NE(message.find(std::to_string(getpid())), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos);
    }
  }
  EXPECT_NO_THROW(lock_device("compare", false, progress)) << "the first one let go";
  // A process that waits gets it when the holder dies, even by kill -9.
  const pid_t child = fork();
  if (child == 0) {
    const tank::DeviceLock held = lock_device("to be killed", true, progress);
    std::ofstream(folder.path() / "held") << "yes";
    pause();
    _exit(0);
  }
  while (!std::filesystem::exists(folder.path() / "held"))
    usleep(1000);
  EXPECT_THROW(lock_device("compare", false, progress), Error);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(lock_device("compare", true, progress));
  unsetenv("THRESHER_CACHE_DIR");
}

}  // namespace
}  // namespace thresher::cli
