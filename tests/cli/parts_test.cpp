// The small parts of the command line: tables, random problems, bench numbers.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "cli/bench_case.hpp"
#include "cli/bench_table.hpp"
#include "cli/json_output.hpp"
#include "cli/random_problem.hpp"
#include "cli/table.hpp"
#include "cli/verify_run.hpp"

namespace thresher::cli {
namespace {

TEST(Table, AlignsAndNeverCuts) {
  const Table table({{"name", 6, Align::left}, {"n", 3}});
  EXPECT_EQ(table.header(), "name      n");
  EXPECT_EQ(table.row({"a", "12"}), "a        12");
  EXPECT_EQ(table.row({"longer-than-it", "1234"}), "longer-than-it  1234");
  EXPECT_EQ(table.row({"a"}), "a");
  EXPECT_EQ(Table::fitted({{"a", 0, Align::left}, {"b"}}, {{"xxx", "1"}}), "a    b\nxxx  1\n");
}

TEST(RandomProblem, IsTheSameForTheSameSeed) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(to_text(random_problem(seed)), to_text(random_problem(seed)));
    EXPECT_EQ(random_problem(seed).data_seed, random_problem(seed).data_seed);
  }
}

TEST(RandomProblem, IsValidSmallAndReachesEveryEdge) {
  std::set<std::int64_t> m;
  std::set<std::int64_t> n;
  std::set<std::int64_t> k;
  std::map<std::string, int> kinds;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const RandomProblem random = random_problem(seed);
    const Problem& problem = random.problem;
    ASSERT_NO_THROW(validate(problem)) << to_text(random);
    const std::int64_t products = problem.op == Op::gated ? 2 : 1;
    ASSERT_LE(products * problem.total_m() * problem.n * problem.k, kMostMultiplyAdds) << to_text(random);
    m.insert(problem.m.begin(), problem.m.end());
    n.insert(problem.n);
    k.insert(problem.k);
    ++kinds[std::string("op ") + to_string(problem.op)];
    ++kinds[std::string("a ") + to_string(problem.operand)];
    ++kinds[std::string("out ") + to_string(problem.output)];
    ++kinds[std::string("act ") + to_string(problem.activation.kind)];
    ++kinds[std::string("recipe ") + to_string(random.recipe)];
    ++kinds[problem.bias ? "bias" : "no bias"];
  }
  for (const std::int64_t edge : {0, 1, 7, 8, 63, 65, 248})
    EXPECT_TRUE(m.contains(edge)) << edge;
  for (const std::int64_t edge : {1, 15, 16, 17, 100})
    EXPECT_TRUE(n.contains(edge)) << edge;
  for (const std::int64_t edge : {16, 48, 4096})
    EXPECT_TRUE(k.contains(edge)) << edge;
  EXPECT_EQ(kinds.size(), 2u + 3u + 4u + 4u + 6u + 2u);
  for (const auto& [kind, count] : kinds)
    EXPECT_GT(count, 200) << kind;
}

TEST(RandomConfig, ReachesEveryKnobAndOnlyWhatTheEngineAccepts) {
  std::map<std::string, std::set<std::int64_t>> values;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Problem problem = random_problem(seed).problem;
    const CpuConfig config = random_config(seed, Isa::portable, problem, 4);
    ASSERT_NO_THROW((void)Engine({.cpu = config}).resolve(problem)) << to_text(config);
    EXPECT_EQ(config, random_config(seed, Isa::portable, problem, 4));
    values["block_m"].insert(config.block_m);
    values["block_n"].insert(config.block_n);
    values["block_k"].insert(config.block_k);
    values["dequant_stages"].insert(config.dequant_stages);
    values["prefetch_distance"].insert(config.prefetch_distance);
    values["roles"].insert(static_cast<std::int64_t>(config.roles));
    values["threads"].insert(config.threads);
  }
  for (const auto& [knob, seen] : values)
    EXPECT_GE(seen.size(), 2u) << knob;
}

TEST(Verify, ReproduceCommandNamesIsaAndSeed) {
  EXPECT_EQ(reproduce_command({.isa = Isa::avx2, .seed = 7, .problem = "", .config = "", .error = ""}),
            "thresher verify --isa avx2 --seed 7 --seeds 1");
}

TEST(Verify, AWrongTruthIsAFailureWithTheCommandThatReproducesIt) {
  VerifyCase one = make_verify_case(11);
  VerifyTotals totals;
  EXPECT_EQ(verify_one(one, {.isa = Isa::portable}, 2, totals), "");
  ASSERT_FALSE(one.truth.value.empty());
  one.truth.value.front() += 1e3 + 10 * one.truth.tolerance.front();
  EXPECT_NE(verify_one(one, {.isa = Isa::portable}, 2, totals), "");
}

TEST(BenchNumbers, FollowFromSamplesAndCeilings) {
  // 2 * 100 * 160 * 1600 flops * 2 products = 0.1024 GFLOP.
  const Problem problem{.op = Op::gated, .m = {100}, .n = 160, .k = 1600};
  const device::Ceilings ceilings{.machine = "m",
                                  .measured_at = "",
                                  .threads = 2,
                                  .read_bytes_per_second = 1e12,
                                  .flops_per_second = {{Isa::avx2, 1e9}}};
  measure::Samples samples;
  samples.seconds.assign(9, 0.2048);
  const BenchTimes times = summarise(problem, samples, ceilings, Isa::avx2);
  EXPECT_DOUBLE_EQ(times.median_us, 204800.0);
  EXPECT_DOUBLE_EQ(times.floor_us, 102400.0);
  EXPECT_FALSE(times.memory_bound);
  EXPECT_DOUBLE_EQ(times.floor_fraction, 0.5);
  EXPECT_DOUBLE_EQ(times.rate_fraction, 0.5);
  EXPECT_DOUBLE_EQ(times.tflops, 0.0005);
  EXPECT_EQ(times.samples, 9);
  EXPECT_TRUE(times.low_us.has_value());
  samples.seconds.resize(3);
  EXPECT_FALSE(summarise(problem, samples, ceilings, Isa::avx2).low_us.has_value());
}

TEST(BenchOutput, AWrongAnswerHasNoTimes) {
  BenchResult wrong;
  wrong.case_name = "c";
  wrong.isa = Isa::avx2;
  wrong.max_rel_err = 0.5;
  wrong.error = "wrong answer: 1 of 2";
  const auto cells = bench_cells(wrong);
  EXPECT_EQ(cells[3], "-");
  EXPECT_EQ(cells.back(), "WRONG");
  EXPECT_NE(bench_remark(wrong).find("wrong answer: 1 of 2"), std::string::npos);
  BenchReport report;
  report.results = {wrong};
  const Json json = to_json(report);
  EXPECT_EQ(json.at("ok"), false);
  EXPECT_TRUE(json.at("results")[0].at("median_us").is_null());
  EXPECT_TRUE(json.at("results")[0].at("tflops").is_null());
  EXPECT_EQ(json.at("results")[0].at("ok"), false);
  EXPECT_EQ(json.at("results")[0].at("error"), "wrong answer: 1 of 2");
}

}  // namespace
}  // namespace thresher::cli
