// Running somebody else's executable: input, output, time, and what is left of it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "device/files.hpp"
#include "tank/external.hpp"
#include "temporary_folder.hpp"

namespace thresher::tank {
namespace {

using Clock = std::chrono::steady_clock;

ProgramOutput shell(const std::string& script, const std::string& input = "", double seconds = 10.0) {
  return run_program({"sh", "-c", script}, "", input, seconds);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool is_alive(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

void expect_gone(const std::filesystem::path& pid_file) {
  const pid_t pid = std::stoi(device::read_whole_file(pid_file));
  for (int i = 0; i < 200 && is_alive(pid); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(is_alive(pid));
}

TEST(RunProgram, PassesInputAndOutputOn) {
  const ProgramOutput output = shell("cat; echo ignored >&2", "hello\0there");
  EXPECT_EQ(output.out, std::string("hello"));
  EXPECT_EQ(output.failure, "");
  EXPECT_EQ(shell("wc -c", std::string(5, '\0')).out, "5\n");
}

TEST(RunProgram, FeedsABigInputToWhoReadsNoneHalfOrAll) {
  const std::string big(20'000'000, 'x');
  EXPECT_EQ(shell("wc -c", big).out, "20000000\n");
  EXPECT_EQ(shell("head -c 10; exec <&-; sleep 0.1", big).out, "xxxxxxxxxx");
  EXPECT_EQ(shell("exec <&-; echo done", big).out, "done\n");
  // Says a lot before it listens: whoever feeds first and reads later would stand still here.
  EXPECT_EQ(shell("head -c 900000 /dev/zero; cat >/dev/null", big).out.size(), 900'000u);
}

TEST(RunProgram, RunsInTheFolderItIsGiven) {
  const TemporaryFolder folder;
  device::write_whole_file(folder.path() / "here.sh", "#!/bin/sh\npwd\n");
  std::filesystem::permissions(folder.path() / "here.sh", std::filesystem::perms::owner_all);
  EXPECT_EQ(run_program({"./here.sh"}, folder.path(), "", 5).out,
            std::filesystem::canonical(folder.path()).string() + "\n");
  EXPECT_NE(run_program({"./here.sh"}, folder.path() / "none", "", 5).failure.find("no folder"), std::string::npos);
}

TEST(RunProgram, SaysWhatCannotBeRun) {
  EXPECT_EQ(run_program({"./no-such-program"}, "", "", 5).failure, "cannot be run: No such file or directory");
  EXPECT_EQ(run_program({"no-such-program-in-path"}, "", "", 5).failure, "cannot be run: No such file or directory");
  EXPECT_EQ(run_program({"/dev"}, "", "", 5).failure, "cannot be run: Permission denied");
  EXPECT_NE(run_program({}, "", "", 5).failure, "");
  EXPECT_NE(run_program({""}, "", "", 5).failure, "");
  EXPECT_NE(run_program({"true"}, "", "", 0).failure, "");
  EXPECT_NE(run_program({"true"}, "", "", std::nan("")).failure, "");
}

TEST(RunProgram, KillsTheWholeGroupWhenTimeIsUp) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "pid").string();
  const Clock::time_point start = Clock::now();
  const ProgramOutput output = shell("trap '' TERM INT HUP; (sleep 100) & echo $! >" + file + "; wait", "", 1.5);
  EXPECT_NE(output.failure.find("took longer than 1.5 s"), std::string::npos) << output.failure;
  EXPECT_LT(seconds_since(start), 20.0);
  expect_gone(file);
}

TEST(RunProgram, KillsWhatTheProgramLeavesBehind) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "pid").string();
  const Clock::time_point start = Clock::now();
  // The one left behind holds the output open: waiting for the end of the output would take its 100 s.
  const ProgramOutput output = shell("sleep 100 & echo $! >" + file + "; echo out");
  EXPECT_EQ(output.failure, "");
  EXPECT_EQ(output.out, "out\n");
  EXPECT_LT(seconds_since(start), 20.0);
  expect_gone(file);
}

TEST(RunProgram, DoesNotWaitForAProcessThatLeftTheGroup) {
  const Clock::time_point start = Clock::now();
  EXPECT_EQ(shell("setsid sleep 40 & sleep 0.2; echo out").out, "out\n");
  EXPECT_LT(seconds_since(start), 20.0);
}

TEST(RunProgram, StopsAtAMegabyteWithoutWaitingForTheRest) {
  const Clock::time_point start = Clock::now();
  const ProgramOutput output = shell("yes", "", 60.0);
  EXPECT_NE(output.failure.find("more than 1000000 bytes"), std::string::npos) << output.failure;
  EXPECT_LT(seconds_since(start), 30.0);
  EXPECT_EQ(shell("head -c 1000000 /dev/zero").out.size(), 1'000'000u);
}

TEST(RunProgram, DropsALotOnStandardErrorAndKeepsItsEnd) {
  EXPECT_EQ(shell("yes | head -c 30000000 >&2; echo fine").out, "fine\n");
  const std::string failure = shell("yes | head -c 3000000 >&2; printf 'the \\033[1mend\\n' >&2; exit 4").failure;
  EXPECT_EQ(failure.substr(0, 21), "ended with status 4: ");
  EXPECT_EQ(failure.substr(failure.size() - 11), "the  [1mend");
  EXPECT_LT(failure.size(), 500u);
}

TEST(RunProgram, GivesNoDescriptorsOrBlockedSignalsOn) {
  const int open_elsewhere = ::dup(1);
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(shell("ls /proc/self/fd | wc -l").out, "4\n") << "0, 1, 2 and the one that ls reads the folder with";
  // The last 16 signals, SIGPIPE among them; the C library keeps two beyond for itself.
  EXPECT_EQ(shell("yes | head -1; grep -o 'SigIgn.*' /proc/self/status | tail -c 5").out, "y\n0000\n");
  ::signal(SIGPIPE, SIG_DFL);
  ::close(open_elsewhere);
}

TEST(RunProgram, LeavesNoZombieAndNoDescriptor) {
  const auto descriptors = [] {
    long count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
      ++count;
    return count;
  };
  const long before = descriptors();
  for (const char* script : {"true", "exit 1", "kill -9 $$", "yes", "sleep 100"}) {
    static_cast<void>(shell(script, "x", 0.2));
  }
  static_cast<void>(run_program({"./missing"}, "", "", 1.0));
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left, dead or alive";
}

}  // namespace
}  // namespace thresher::tank
