// The right to measure on a device, between processes.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "ledger_processes.hpp"
#include "tank/ledger.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

using namespace std::chrono_literals;

// A process that holds the lock until it is told to end or is killed.
int hold(const std::filesystem::path& folder, const ChildProcess::Tell& tell, std::chrono::milliseconds time) {
  const auto lock = DeviceLock::take(folder, "cpu", "round 02-lessons", false, nullptr);
  tell(lock ? "y" : "n");
  std::this_thread::sleep_for(time);
  return 0;
}

TEST(DeviceLock, RefusesASecondProcessWithTheHoldersText) {
  const TemporaryFolder folder;
  ChildProcess child([&](const ChildProcess::Tell& tell) { return hold(folder.path(), tell, 1h); });
  ASSERT_EQ(child.read_byte(), "y");
  std::string holder;
  EXPECT_FALSE(DeviceLock::take(folder.path(), "cpu", "other", false, &holder));
  EXPECT_EQ(holder, "process " + std::to_string(child.pid()) + ", round 02-lessons");
  EXPECT_FALSE(DeviceLock::take(folder.path(), "cpu", "other", false, nullptr));
  EXPECT_TRUE(DeviceLock::take(folder.path(), "gpu0", "other", false, nullptr)) << "another device is free";
}

TEST(DeviceLock, IsFreeOnceItsHolderWasKilled) {
  const TemporaryFolder folder;
  ChildProcess child([&](const ChildProcess::Tell& tell) { return hold(folder.path(), tell, 1h); });
  ASSERT_EQ(child.read_byte(), "y");
  child.kill_now();
  child.wait();
  std::string holder = "untouched";
  EXPECT_TRUE(DeviceLock::take(folder.path(), "cpu", "next", false, &holder));
  EXPECT_EQ(holder, "untouched");
}

TEST(DeviceLock, WaitsUntilTheHolderEnds) {
  const TemporaryFolder folder;
  ChildProcess child([&](const ChildProcess::Tell& tell) { return hold(folder.path(), tell, 200ms); });
  ASSERT_EQ(child.read_byte(), "y");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(DeviceLock::take(folder.path(), "cpu", "next", true, nullptr));
  EXPECT_GT(std::chrono::steady_clock::now() - before, 50ms);
  EXPECT_EQ(child.wait(), 0);
}

TEST(DeviceLock, IsGivenBackByItsDestructorAndMovesWithItsObject) {
  const TemporaryFolder folder;
  const auto is_free = [&] { return DeviceLock::take(folder.path(), "cpu", "look", false, nullptr).has_value(); };
  {
    std::optional<DeviceLock> first = DeviceLock::take(folder.path() / "made", "cpu", "x", false, nullptr);
    ASSERT_TRUE(first);
    auto held = DeviceLock::take(folder.path(), "cpu", "x", false, nullptr);
    const DeviceLock moved = std::move(*held);
    held.reset();
    EXPECT_FALSE(is_free());
  }
  EXPECT_TRUE(is_free());
}

TEST(DeviceLock, IsNotPassedOnToProgramsThatAreStarted) {
  const TemporaryFolder folder;
  pid_t sleeper = -1;
  {
    const auto held = DeviceLock::take(folder.path(), "cpu", "x", false, nullptr);
    ASSERT_TRUE(held);
    sleeper = ::fork();
    if (sleeper == 0) {
      ::execlp("sleep", "sleep", "60", nullptr);
      ::_exit(1);
    }
  }
  EXPECT_TRUE(DeviceLock::take(folder.path(), "cpu", "y", false, nullptr));
  ::kill(sleeper, SIGKILL);
  ::waitpid(sleeper, nullptr, 0);
}

TEST(DeviceLock, KeepsItsFileInTheFolderWhateverTheDeviceIsCalled) {
  const TemporaryFolder folder;
  const auto held = DeviceLock::take(folder.path(), "../a b/c", "x", false, nullptr);
  EXPECT_TRUE(held);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "device-.._a_b_c.lock"));
}

TEST(DeviceLock, NamesAFolderThatCannotBeWrittenTo) {
  try {
    static_cast<void>(DeviceLock::take("/proc/nothing", "cpu", "x", false, nullptr));
    FAIL() << "no Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string(error.what()).find("/proc/nothing/device-cpu.lock"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace thresher::tank
