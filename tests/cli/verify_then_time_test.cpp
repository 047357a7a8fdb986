// bench refuses wrong answers: here are kernels that give them.
#include "cli/verify_then_time.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <span>

#include "cli/bench_data.hpp"
#include "cli/random_problem.hpp"

namespace thresher::cli {
namespace {

// Small to compute, yet large enough that a few dozen data sets exceed twice any last-level cache.
Problem small_problem(OutputType output) {
  return {.op = Op::gated, .m = {2, 0, 3}, .n = 1008, .k = 1024, .operand = OperandType::nvfp4, .output = output};
}

class BenchAnswer : public testing::TestWithParam<OutputType> {
 protected:
  BenchAnswer()
      : problem_(small_problem(GetParam())),
        progress_(Progress::Style::silent),
        data_(problem_, Recipe::normal, 1, engine_, progress_),
        check_(
            data_.inputs(),
            [this](std::int64_t group, int which) {
              return generate_weights(problem_, Recipe::normal, 1, group, which);
            },
            1) {}

  AnswerReport run_all() {
    for (int set = 0; set < data_.rotation().sets; ++set)
      data_.run(set);
    return data_.judge(check_);
  }

  Problem problem_;
  Engine engine_{EngineOptions{.cpu = {.threads = 1}}};
  Progress progress_;
  BenchData data_;
  AnswerCheck check_;
};

TEST_P(BenchAnswer, RightOutputsAreTimed) {
  bool timed = false;
  const TimedAnswer result = verify_then_time({.check_first = [&] { return run_all(); },
                                               .time =
                                                   [&] {
                                                     timed = true;
                                                     return measure::Samples{.seconds = {1.0}};
                                                   },
                                               .check_timed = [&] { return run_all(); }});
  EXPECT_TRUE(result.answer.ok()) << result.answer.error;
  EXPECT_TRUE(timed);
  ASSERT_TRUE(result.samples.has_value());
}

TEST_P(BenchAnswer, AKernelThatWritesNothingIsNeverTimed) {
  for (const std::byte poison : kPoisons) {
    OutputBuffer untouched(problem_, data_.inputs().out_global_scale);
    untouched.poison(poison);
    const TimedAnswer result = verify_then_time({.check_first = [&] { return check_.judge(untouched); },
                                                 .time = []() -> measure::Samples {
                                                   ADD_FAILURE() << "a wrong answer was timed";
                                                   return {};
                                                 },
                                                 .check_timed = [] { return AnswerReport{}; }});
    EXPECT_FALSE(result.answer.ok());
    EXPECT_NE(result.answer.error.find("wrong answer"), std::string::npos) << result.answer.error;
    EXPECT_FALSE(result.samples.has_value());
  }
}

TEST_P(BenchAnswer, AKernelThatTurnsWrongWhileItIsTimedHasNoTimes) {
  OutputBuffer untouched(problem_, data_.inputs().out_global_scale);
  const TimedAnswer result = verify_then_time({.check_first = [&] { return run_all(); },
                                               .time = [] { return measure::Samples{.seconds = {1.0}}; },
                                               .check_timed = [&] { return check_.judge(untouched); }});
  EXPECT_FALSE(result.answer.ok());
  EXPECT_FALSE(result.samples.has_value());
}

TEST_P(BenchAnswer, WritesBesideTheResultAreSeen) {
  ASSERT_TRUE(run_all().ok());
  OutputBuffer fenced(problem_, data_.inputs().out_global_scale);
  EXPECT_TRUE(fenced.fences_intact());
  auto* end = static_cast<std::uint8_t*>(fenced.view().data);
  end[-1] = static_cast<std::uint8_t>(end[-1] ^ 1);
  EXPECT_FALSE(fenced.fences_intact());
}

INSTANTIATE_TEST_SUITE_P(Outputs, BenchAnswer,
                         testing::Values(OutputType::fp16, OutputType::bf16, OutputType::fp32, OutputType::nvfp4),
                         [](const auto& param) { return std::string(to_string(param.param)); });

TEST(BenchData, OneSetThatDiffersIsWrong) {
  const Problem problem = small_problem(OutputType::fp16);
  Progress progress(Progress::Style::silent);
  const Engine engine(EngineOptions{.cpu = {.threads = 1}});
  BenchData data(problem, Recipe::normal, 1, engine, progress);
  const AnswerCheck check(
      data.inputs(),
      [&](std::int64_t group, int which) { return generate_weights(problem, Recipe::normal, 1, group, which); }, 1);
  if (data.rotation().sets < 2) GTEST_SKIP() << "the last-level cache of this machine is unknown";
  data.poison(kPoisons[0]);
  EXPECT_TRUE(data.judge(check).error.empty()) << "nothing ran, so nothing is wrong";
  data.run(0);
  data.run(1);
  EXPECT_TRUE(data.judge(check).ok());
  data.poison(kPoisons[1]);
  data.run(1);
  EXPECT_TRUE(data.judge(check).ok()) << "sets that did not run are not judged";
}

TEST(AnswerCheck, LargeProblemsAreSampledInEveryGroupRowAndEdge) {
  const Problem problem{.op = Op::gated, .m = {40, 0, 60}, .n = 1040, .k = 2048};
  const ProblemData inputs = generate_activations(problem, Recipe::normal, 3);
  const AnswerCheck check(
      inputs, [&](std::int64_t group, int which) { return generate_weights(problem, Recipe::normal, 3, group, which); },
      3);
  OutputBuffer out(problem, 1.0f);
  const AnswerReport report = check.judge(out);
  EXPECT_FALSE(report.ok());
  EXPECT_GE(report.checked, 4 * problem.n + problem.total_m());
  EXPECT_LT(report.checked, problem.total_m() * problem.n / 2);
}

}  // namespace
}  // namespace thresher::cli
