// Workers and the libraries that they run.
#include <gtest/gtest.h>

#include <cmath>

#include "device/files.hpp"
#include "measure/cpu_executor.hpp"
#include "measure/replay_executor.hpp"
#include "measure/worker_messages.hpp"
#include "measure/worker_process.hpp"
#include "small_cases.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

using nlohmann::json;

Answer ask(WorkerProcess& worker, const json& content) {
  return worker.request(content, 10.0);
}

TEST(Worker, RefusesWhatItDoesNotUnderstandAndGoesOn) {
  WorkerProcess worker("");
  EXPECT_NE(ask(worker, {{"do", "dance"}}).why.find("dance"), std::string::npos);
  EXPECT_FALSE(ask(worker, {{"say", "nothing"}}).content);
  EXPECT_NE(ask(worker, {{"do", "run"}, {"slot", 3}, {"set", 0}, {"at", json::array()}, {"out_global_scale", 1.0}}).why,
            "");
  EXPECT_NE(ask(worker, {{"do", "prepare"}}).why, "");
  EXPECT_TRUE(ask(worker, {{"do", "load"}, {"candidate", to_json(config("threads=1"))}}).content);
  EXPECT_TRUE(worker.alive());
}

TEST(Worker, StandsStillWhileFrozenAndAnswersAfterwards) {
  WorkerProcess worker("");
  worker.freeze();
  worker.freeze();
  const auto before = worker.cpu_seconds();
  ASSERT_TRUE(before);
  worker.thaw();
  EXPECT_TRUE(ask(worker, {{"do", "load"}, {"candidate", to_json(config(""))}}).content);
  EXPECT_FALSE(worker.spoke_unasked());
  EXPECT_EQ(worker.children(), 0);
  EXPECT_TRUE(worker.thread_times());
}

TEST(Worker, ThatQuitsIsReportedWithItsStatus) {
  WorkerProcess worker("");
  const Answer answer = ask(worker, {{"do", "quit"}});
  EXPECT_FALSE(answer.content);
  EXPECT_NE(answer.why.find("exit status 0"), std::string::npos) << answer.why;
  EXPECT_FALSE(worker.alive());
  EXPECT_NE(ask(worker, {{"do", "load"}}).why, "");
}

TEST(CandidateFromText, TellsConfigsFromLibraries) {
  EXPECT_EQ(candidate_from_text("dequant_stages=2").config.dequant_stages, 2);
  EXPECT_EQ(candidate_from_text("").kind, CandidateKind::config);
  EXPECT_THROW((void)candidate_from_text("no_such_knob=1"), Error);
  EXPECT_THROW((void)candidate_from_text("/nonexistent/kernel.so"), Error);
  const Candidate library = candidate_from_text(THRESHER_EXAMPLE_CANDIDATE);
  EXPECT_EQ(library.kind, CandidateKind::library);
  EXPECT_GT(library.content().size(), 1000u);
}

TEST(LibraryCandidate, TheExampleOfTheDocsPassesTheGateAndARace) {
  CpuExecutorOptions options = quick_options();
  options.check_problems = 3;
  CpuExecutor executor(options);
  const Candidate library = candidate_from_text(THRESHER_EXAMPLE_CANDIDATE);
  const std::vector<catalog::Case> cases = {small_case("gated", {3, 0, 5}, 48, 64),
                                            small_case("plain", {4}, 33, 80, Op::plain)};
  const auto refused = executor.admit(library, cases);
  ASSERT_FALSE(refused) << refused->reason;
  RecordProperty("sandbox_gap", executor.sandbox_gap());
  const CheckOutcome outcome = executor.check(library, cases, 5);
  EXPECT_FALSE(outcome.failure) << outcome.failure->reason;
  OpenedRace opened =
      executor.open_race({.incumbent = config("threads=1"), .candidate = library, .cases = cases, .seed = 9});
  ASSERT_FALSE(opened.failure) << opened.failure->reason;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (std::uint64_t content = 1; content <= 2; ++content) {
      for (const Side side : {Side::candidate, Side::incumbent}) {
        const TimedCall call = opened.race->run(i, side, content);
        EXPECT_FALSE(call.failure) << call.failure->reason;
      }
    }
  }
  EXPECT_TRUE(opened.race->replace_candidate(config(""))) << "a library's place is its own";
  EXPECT_FALSE(opened.race->finish(Side::candidate));
  EXPECT_TRUE(executor.observe(library, cases[0], true).find("call_us"));
}

TEST(LibraryCandidate, IsNotAskedForWhatItsInterfaceCannotSay) {
  CpuExecutor executor(quick_options());
  catalog::Case one = small_case("bf16", {3}, 48, 64);
  one.problem.output = OutputType::bf16;
  const auto failure = executor.admit(candidate_from_text(THRESHER_EXAMPLE_CANDIDATE), {&one, 1});
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->reason.find("bf16"), std::string::npos);
}

TEST(LibraryCandidate, ThatIsNoLibraryIsRefusedWithTheReason) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "empty.so";
  device::write_whole_file(path, "not a library");
  CpuExecutor executor(quick_options());
  const auto failure = executor.admit(candidate_from_text(path.string()), {});
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->reason.find("can't be loaded"), std::string::npos) << failure->reason;
}

TEST(SyntheticExecutor, GivesTheEffectsThatItWasToldAndFailsWhenToldTo) {
  SyntheticOptions options;
  options.candidates["fast"].log_effect = 0.25;
  options.candidates["broken"].run = Failure{FailureKind::invalid, "made up"};
  options.candidates["broken"].fails_at = 1;
  options.noise = 0.0;
  SyntheticExecutor executor(options);
  const std::vector<catalog::Case> cases = {small_case("one", {4}, 32, 32)};
  const auto race_of = [&](const std::string& name) {
    Candidate candidate;
    candidate.name = name;
    return executor.open_race({.incumbent = config(""), .candidate = candidate, .cases = cases, .seed = 1});
  };
  OpenedRace fast = race_of("fast");
  const double incumbent = fast.race->run(0, Side::incumbent, 1).seconds;
  EXPECT_DOUBLE_EQ(std::log(incumbent / fast.race->run(0, Side::candidate, 1).seconds), 0.25);
  OpenedRace broken = race_of("broken");
  EXPECT_FALSE(broken.race->run(0, Side::candidate, 1).failure);
  EXPECT_TRUE(broken.race->run(0, Side::candidate, 2).failure);
  EXPECT_TRUE(broken.race->finish(Side::candidate));
  EXPECT_FALSE(broken.race->finish(Side::incumbent));
}

TEST(ReplayExecutor, ServesCallsByBlockAndPositionAndSaysWhatIsMissing) {
  Recording recording;
  recording.floors["one"] = 0.01;
  recording.races.push_back({.name = "pitch/full_race",
                             .candidate = "pitch",
                             .calls = {{"one", 1, 0, Side::candidate, 4.0, {}},
                                       {"one", 0, 1, Side::candidate, 2.0, {}},
                                       {"one", 0, 0, Side::incumbent, 1.0, {}}},
                             .not_opened = {}});
  ReplayExecutor executor(recording);
  const std::vector<catalog::Case> cases = {small_case("one", {4}, 32, 32)};
  Candidate candidate;
  candidate.name = "pitch";
  const RaceRequest request{.incumbent = config(""), .candidate = candidate, .cases = cases, .seed = 1};
  OpenedRace opened = executor.open_race(request);
  ASSERT_FALSE(opened.failure);
  EXPECT_EQ(opened.race->run(0, Side::incumbent, 0).seconds, 1.0);
  EXPECT_EQ(opened.race->run(0, Side::candidate, 0).seconds, 2.0);
  EXPECT_TRUE(opened.race->run(0, Side::incumbent, 0).failure) << "the candidate was recorded next";
  EXPECT_EQ(opened.race->run(0, Side::candidate, 0).seconds, 4.0);
  EXPECT_TRUE(opened.race->run(0, Side::candidate, 0).failure) << "nothing is left";
  EXPECT_TRUE(executor.open_race(request).failure) << "one race was recorded";
  EXPECT_EQ(executor.floor_seconds(cases[0]), 0.01);
}

}  // namespace
}  // namespace thresher::measure
