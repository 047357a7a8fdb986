// What a ledger holds after its writer was killed, or its disk was full.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <chrono>
#include <random>
#include <thread>

#include "device/files.hpp"
#include "ledger_processes.hpp"
#include "tank/ledger.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

using Path = std::filesystem::path;

Sample sample(int block) {
  return {.race = "race",
          .block = block,
          .case_name = "g8-k7168",
          .position = 0,
          .side = "incumbent",
          .content = 1,
          .seconds = 1.0 + block,
          .clock_mhz = std::nullopt,
          .attempt = 0};
}

// Goes on where the ledger stops, closing and opening it every 30 samples, and tells of each append once it returned.
[[noreturn]] void append_for_ever(const Path& file, const ChildProcess::Tell& tell) {
  while (true) {
    Ledger ledger(file, Ledger::Mode::append);
    for (int i = 0; i < 30; ++i) {
      const int block = static_cast<int>(ledger.sample_count());
      ledger.append(sample(block));
      tell("s");
      if (block % 10 == 0) {
        ledger.keep("config", "block_m=" + std::to_string(block));
        ledger.append("gate", std::to_string(block), {{"block", block}});
        tell("e");
      }
    }
    ledger.close();
  }
}

// Blocks 0, 1, 2, ... and nothing else, at least as many as were told; of the events too.
void expect_whole(const Ledger& ledger, long samples_told, long events_told) {
  const std::vector<Sample> samples = ledger.samples("race");
  EXPECT_GE(static_cast<long>(samples.size()), samples_told);
  EXPECT_LE(static_cast<long>(samples.size()), samples_told + 1) << "at most the one that was being committed";
  for (std::size_t i = 0; i < samples.size(); ++i) {
    ASSERT_EQ(samples[i].block, static_cast<int>(i));
    ASSERT_EQ(samples[i].seconds, 1.0 + static_cast<double>(i));
  }
  EXPECT_GE(static_cast<long>(ledger.events().size()), events_told);
  EXPECT_LE(static_cast<long>(ledger.events().size()), events_told + 1);
}

TEST(LedgerCrash, KilledTwentyTimesItLosesAndDoublesNothing) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  std::mt19937 random(20);
  long samples = 0;
  long events = 0;
  int left_with_a_log = 0;
  for (int round = 0; round < 20; ++round) {
    ChildProcess child([&](const ChildProcess::Tell& tell) -> int { append_for_ever(file, tell); });
    // Counted in what it did, not in time, so that a busy machine kills it at work too. The first ones are killed after
    // a moment, so that making the file is among what is broken off.
    std::string told;
    const int wanted = round < 5 ? 0 : std::uniform_int_distribution<int>(1, 45)(random);
    while (static_cast<int>(told.size()) < wanted) {
      const std::string one = child.read_byte();
      ASSERT_FALSE(one.empty()) << told;
      told += one;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(std::uniform_int_distribution<int>(100, 6000)(random)));
    child.kill_now();
    ASSERT_EQ(child.wait(), 128 + SIGKILL) << child.read_all();
    if (!std::filesystem::exists(file)) {
      continue;
    }
    for (const char one : told + child.read_all()) {
      samples += one == 's' ? 1 : 0;
      events += one == 'e' ? 1 : 0;
    }
    left_with_a_log += std::filesystem::exists(file.string() + "-wal") ? 1 : 0;
    SCOPED_TRACE(round);
    {
      const Ledger reader(file, Ledger::Mode::read);
      expect_whole(reader, samples, events);
      samples = reader.sample_count();
      events = static_cast<long>(reader.events().size());
    }
    // Every second time the next writer finds the log as it was left, otherwise a folded file.
    if (round % 2 == 0) {
      Ledger writer(file, Ledger::Mode::append);
      expect_whole(writer, samples, events);
      writer.close();
    }
  }
  EXPECT_GT(samples, 100) << "the children did too little to show anything";
  EXPECT_GT(left_with_a_log, 5);
  // An event whose kill came before its commit is simply not there; the next run appends it.
  Ledger ledger(file, Ledger::Mode::append);
  ledger.close();
  EXPECT_FALSE(std::filesystem::exists(file.string() + "-wal"));
}

TEST(LedgerCrash, AFullFileKeepsWhatWasCommittedAndGoesOnOnceThereIsRoom) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  ChildProcess child([&](const ChildProcess::Tell& tell) {
    ::signal(SIGXFSZ, SIG_IGN);
    Ledger ledger(file, Ledger::Mode::append);
    rlimit limit = {};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 300'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int block = 0;
    std::string message;
    try {
      for (; block < 10'000; ++block)
        ledger.append(sample(block));
    } catch (const Error& error) {
      message = error.code() == ErrorCode::io ? error.what() : "of another kind";
    }
    EXPECT_THROW(ledger.append(sample(block)), Error);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ledger.append(sample(block));
    tell(std::to_string(block + 1) + " " + message);
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  const std::string told = child.read_all();
  ASSERT_EQ(child.wait(), 128 + SIGKILL) << told;
  const int count = std::stoi(told);
  EXPECT_GT(count, 10);
  EXPECT_LT(count, 10'000);
  EXPECT_NE(told.find("make room"), std::string::npos) << told;
  const Ledger ledger(file, Ledger::Mode::append);
  expect_whole(ledger, count, 0);
  EXPECT_EQ(ledger.sample_count(), count);
}

// Status of a child whose mounts nobody else sees.
constexpr int kNoNamespace = 77;

bool own_mounts(const Path& folder, const std::string& options) {
  return (::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
         (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) &&
         ::mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

TEST(LedgerCrash, AFullDiskIsAnErrorThatSaysSo) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  ChildProcess child([&](const ChildProcess::Tell& tell) {
    if (!own_mounts(folder.path(), "size=400k")) return kNoNamespace;
    int block = 0;
    {
      Ledger ledger(file, Ledger::Mode::append);
      try {
        for (; block < 10'000; ++block)
          ledger.append(sample(block));
      } catch (const Error& error) {
        tell(error.what());
      }
    }
    ::mount("none", folder.path().c_str(), nullptr, MS_REMOUNT, "size=10m");
    Ledger ledger(file, Ledger::Mode::append);
    if (ledger.sample_count() != block) return 1;
    ledger.append(sample(block));
    ledger.close();
    return block > 10 && block < 10'000 && Ledger(file, Ledger::Mode::read).sample_count() == block + 1 ? 0 : 2;
  });
  const std::string told = child.read_all();
  const int status = child.wait();
  if (status == kNoNamespace) GTEST_SKIP() << "needs the right to mount a small file system";
  EXPECT_EQ(status, 0) << told;
  EXPECT_NE(told.find("disk is full"), std::string::npos) << told;
}

TEST(LedgerCrash, IsReadFromAReadOnlyDiskOnceClosed) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "ledger.db";
  ChildProcess child([&](const ChildProcess::Tell& tell) {
    if (!own_mounts(folder.path(), "size=4m")) return kNoNamespace;
    {
      Ledger ledger(file, Ledger::Mode::append);
      for (int block = 0; block < 20; ++block)
        ledger.append(sample(block));
      ledger.close();
    }
    if (::mount("none", folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return 3;
    try {
      const Ledger ledger(file, Ledger::Mode::append);
      return 4;
    } catch (const Error& error) {
      tell(error.what());
    }
    return Ledger(file, Ledger::Mode::read).sample_count() == 20 ? 0 : 5;
  });
  const std::string told = child.read_all();
  const int status = child.wait();
  if (status == kNoNamespace) GTEST_SKIP() << "needs the right to mount a small file system";
  EXPECT_EQ(status, 0) << told;
  EXPECT_NE(told.find("make its folder writable"), std::string::npos) << told;
}

}  // namespace
}  // namespace thresher::tank
