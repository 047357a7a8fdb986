// Races, gates and facts of configs on the CPU at hand.
#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "measure/cpu_executor.hpp"
#include "measure/shared_memory.hpp"
#include "small_cases.hpp"

namespace thresher::measure {
namespace {

const catalog::Case& two_groups() {
  static const catalog::Case one = small_case("two-groups", {33, 40}, 256, 512);
  return one;
}

RaceRequest request_of(const std::string& incumbent, const std::string& candidate, std::vector<catalog::Case> cases,
                       std::uint64_t seed = 7) {
  return {.incumbent = config(incumbent), .candidate = config(candidate), .cases = std::move(cases), .seed = seed};
}

// Worker processes of this one.
std::vector<pid_t> children() {
  std::vector<pid_t> pids;
  DIR* folder = opendir("/proc");
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file("/proc/" + name + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream rest(line.substr(line.rfind(')') + 1));
    char state = 0;
    pid_t parent = 0;
    if (rest >> state >> parent && parent == getpid()) pids.push_back(std::stoi(name));
  }
  closedir(folder);
  std::sort(pids.begin(), pids.end());
  return pids;
}

TEST(CpuRace, TwoEqualConfigsGetPlausibleTimes) {
  CpuExecutor executor(quick_options());
  OpenedRace opened = executor.open_race(request_of("threads=2", "threads=2", {two_groups()}));
  ASSERT_FALSE(opened.failure) << opened.failure->reason;
  for (std::uint64_t content = 1; content <= 6; ++content) {
    for (const Side side : {Side::incumbent, Side::candidate}) {
      const TimedCall call = opened.race->run(0, side, content);
      ASSERT_FALSE(call.failure) << call.failure->reason;
      EXPECT_EQ(call.side, side);
      EXPECT_GT(call.seconds, 1e-6);
      EXPECT_LT(call.seconds, 5.0);
    }
  }
  EXPECT_FALSE(opened.race->finish(Side::incumbent));
  EXPECT_FALSE(opened.race->finish(Side::candidate));
}

TEST(CpuRace, DifferentKnobsAgreeOnOddAndEmptyGroups) {
  CpuExecutor executor(quick_options());
  const std::vector<catalog::Case> cases = {small_case("odd", {0, 1, 7, 0, 63, 65}, 97, 80),
                                            small_case("plain", {5, 0}, 33, 48, Op::plain),
                                            small_case("nothing", {0, 0}, 16, 16)};
  OpenedRace opened = executor.open_race(
      request_of("isa=portable,threads=1", "isa=portable,dequant_stages=3,block_m=16,block_k=32,threads=2", cases));
  ASSERT_FALSE(opened.failure) << opened.failure->reason;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (const Side side : {Side::candidate, Side::incumbent}) {
      const TimedCall call = opened.race->run(i, side, 11);
      EXPECT_FALSE(call.failure) << cases[i].name << ": " << call.failure->reason;
    }
  }
  EXPECT_FALSE(opened.race->finish(Side::candidate));
}

TEST(CpuRace, EveryOutputAndOperandTypeOfConfigsIsRaced) {
  CpuExecutor executor(quick_options());
  std::vector<catalog::Case> cases;
  for (const OutputType output : {OutputType::bf16, OutputType::fp32, OutputType::nvfp4}) {
    cases.push_back(small_case(to_string(output), {17, 3}, 64, 96));
    cases.back().problem.output = output;
    cases.back().problem.operand = output == OutputType::fp32 ? OperandType::bf16 : OperandType::fp16;
    cases.back().problem.bias = true;
    cases.back().problem.activation.kind = ActivationKind::swiglu_oai;
  }
  OpenedRace opened = executor.open_race(request_of("", "isa=portable", cases));
  ASSERT_FALSE(opened.failure) << opened.failure->reason;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const TimedCall call = opened.race->run(i, Side::candidate, 1);
    EXPECT_FALSE(call.failure) << cases[i].name << ": " << call.failure->reason;
    const TimedCall other = opened.race->run(i, Side::incumbent, 1);
    EXPECT_FALSE(other.failure) << cases[i].name << ": " << other.failure->reason;
  }
}

TEST(CpuRace, AKilledWorkerIsAnErrorAndTheExecutorGoesOn) {
  CpuExecutor executor(quick_options());
  const catalog::Case slow = small_case("slow", {512}, 1024, 2048);
  OpenedRace opened = executor.open_race(request_of("threads=1", "isa=portable,threads=1", {slow}));
  ASSERT_FALSE(opened.failure) << opened.failure->reason;
  const std::vector<pid_t> workers = children();
  ASSERT_EQ(workers.size(), 2u);
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kill(workers[1], SIGKILL);
  });
  const TimedCall call = opened.race->run(0, Side::candidate, 1);
  killer.join();
  ASSERT_TRUE(call.failure);
  EXPECT_EQ(call.failure->kind, FailureKind::error);
  EXPECT_NE(call.failure->reason.find("SIGKILL"), std::string::npos) << call.failure->reason;
  EXPECT_TRUE(opened.race->run(0, Side::candidate, 2).failure) << "a failure is final";
  EXPECT_FALSE(opened.race->run(0, Side::incumbent, 2).failure) << "the other side has nothing to do with it";
  OpenedRace next = executor.open_race(request_of("", "", {two_groups()}));
  EXPECT_FALSE(next.failure);
}

TEST(CpuRace, AWorkerThatHangsIsEndedInTime) {
  CpuExecutorOptions options = quick_options();
  options.least_timeout_seconds = 0.3;
  CpuExecutor executor(options);
  OpenedRace opened = executor.open_race(request_of("", "", {two_groups()}));
  ASSERT_FALSE(opened.failure);
  const std::vector<pid_t> workers = children();
  ASSERT_EQ(workers.size(), 2u);
  // Stopped again as soon as the race lets it go on.
  std::atomic<bool> over = false;
  std::thread holder([&] {
    while (!over)
      kill(workers[1], SIGSTOP);
  });
  const TimedCall call = opened.race->run(0, Side::candidate, 1);
  over = true;
  holder.join();
  if (!call.failure) GTEST_SKIP() << "the call was over before it could be held up";
  EXPECT_EQ(call.failure->kind, FailureKind::error);
  EXPECT_NE(call.failure->reason.find("did not answer within"), std::string::npos) << call.failure->reason;
}

TEST(CpuRace, TimesBelowTheFloorAreImpossibleAndSaySoWithBothFigures) {
  CpuExecutorOptions options = quick_options();
  options.ceilings->read_bytes_per_second = 1e3;
  CpuExecutor executor(options);
  OpenedRace opened = executor.open_race(request_of("", "", {two_groups()}));
  ASSERT_FALSE(opened.failure) << opened.failure->reason;
  const TimedCall call = opened.race->run(0, Side::candidate, 1);
  ASSERT_TRUE(call.failure);
  EXPECT_EQ(call.failure->kind, FailureKind::impossible);
  EXPECT_NE(call.failure->reason.find("needs at least"), std::string::npos) << call.failure->reason;
}

TEST(CpuRace, TwoExecutorsAtOnceDoNotDisturbEachOther) {
  CpuExecutor one(quick_options());
  CpuExecutor two(quick_options());
  OpenedRace first = one.open_race(request_of("threads=1", "threads=1", {two_groups()}));
  OpenedRace second = two.open_race(request_of("threads=1", "threads=1", {two_groups()}, 8));
  ASSERT_FALSE(first.failure);
  ASSERT_FALSE(second.failure);
  for (std::uint64_t content = 1; content <= 3; ++content) {
    EXPECT_FALSE(first.race->run(0, Side::incumbent, content).failure);
    EXPECT_FALSE(second.race->run(0, Side::incumbent, content).failure);
    EXPECT_FALSE(first.race->run(0, Side::candidate, content).failure);
  }
}

TEST(CpuRace, LeavesNeitherProcessesNorDescriptorsNorMemoryBehind) {
  CpuExecutor executor(quick_options());
  const auto count_fds = [] {
    int count = 0;
    DIR* folder = opendir("/proc/self/fd");
    while (readdir(folder) != nullptr)
      ++count;
    closedir(folder);
    return count;
  };
  const auto resident_pages = [] {
    std::ifstream file("/proc/self/statm");
    long total = 0;
    long resident = 0;
    file >> total >> resident;
    return resident;
  };
  // 5 MB of weights a race, for the rotation: 20 races that kept theirs would show.
  const catalog::Case large = small_case("large", {8}, 256, 512);
  const auto race = [&] {
    const OpenedRace opened = executor.open_race(request_of("", "", {large}));
    EXPECT_FALSE(opened.failure);
  };
  race();
  const int fds = count_fds();
  [[maybe_unused]] const long pages = resident_pages();
  for (int i = 0; i < 20; ++i)
    race();
  EXPECT_EQ(count_fds(), fds);
  EXPECT_TRUE(children().empty());
#if !defined(__SANITIZE_ADDRESS__)  // it keeps what was freed, to catch its use
  EXPECT_LT(resident_pages() - pages, static_cast<long>(4e7) / static_cast<long>(page_bytes()));
#endif
}

TEST(CpuRace, ConfigsTakeTurnsInThePlaceOfTheCandidate) {
  CpuExecutor executor(quick_options());
  OpenedRace opened =
      executor.open_race(request_of("isa=portable,threads=1", "isa=portable,threads=1", {two_groups()}));
  ASSERT_FALSE(opened.failure) << opened.failure->reason;
  std::uint64_t content = 1;
  for (const char* text : {"isa=portable,dequant_stages=3", "isa=portable,block_m=16,threads=2", ""}) {
    const auto refused = opened.race->replace_candidate(config(text));
    ASSERT_FALSE(refused) << refused->reason;
    ++content;
    EXPECT_FALSE(opened.race->run(0, Side::candidate, content).failure) << text;
    EXPECT_FALSE(opened.race->run(0, Side::incumbent, content).failure) << text;
  }
  EXPECT_TRUE(opened.race->replace_candidate(config("roles=specialised,dequant_stages=1")));
  EXPECT_FALSE(opened.race->run(0, Side::candidate, content + 1).failure) << "the earlier one stays";
  EXPECT_FALSE(opened.race->finish(Side::candidate));
}

TEST(CpuExecutorAdmit, NamesWhatCannotRun) {
  CpuExecutor executor(quick_options());
  const std::vector<catalog::Case> cases = {two_groups()};
  EXPECT_FALSE(executor.admit(config("dequant_stages=2"), cases));
  const auto failure = executor.admit(config("roles=specialised,dequant_stages=1"), cases);
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->reason.find("dequant_stages"), std::string::npos);
}

TEST(CpuExecutorCheck, PassesConfigsAndCountsWhatItCompared) {
  CpuExecutorOptions options = quick_options();
  options.check_problems = 6;
  CpuExecutor executor(options);
  const std::vector<catalog::Case> cases = {two_groups()};
  const CheckOutcome outcome = executor.check(config("dequant_stages=2,block_m=32"), cases, 3);
  EXPECT_FALSE(outcome.failure) << outcome.failure->reason;
  EXPECT_EQ(outcome.problems, 7);
  EXPECT_GT(outcome.elements, 10000);
  EXPECT_GT(outcome.max_rel_err, 0.0);
  EXPECT_LT(outcome.max_rel_err, 1e-2);
}

TEST(CpuExecutor, WithoutAProgramThatServesSaysSo) {
  CpuExecutorOptions options = quick_options();
  options.program = "/nonexistent/thresher";
  CpuExecutor executor(options);
  const OpenedRace opened = executor.open_race(request_of("", "", {two_groups()}));
  ASSERT_TRUE(opened.failure);
  EXPECT_EQ(opened.failure->kind, FailureKind::error);
  EXPECT_NE(opened.failure->reason.find("/nonexistent/thresher"), std::string::npos);
  options.program = "/bin/true";
  CpuExecutor other(options);
  EXPECT_TRUE(other.open_race(request_of("", "", {two_groups()})).failure);
}

}  // namespace
}  // namespace thresher::measure
