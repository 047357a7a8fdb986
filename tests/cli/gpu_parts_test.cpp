// The parts of verify and bench on a GPU that need none.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

#include "cli/gpu_bench_case.hpp"
#include "cli/gpu_bench_data.hpp"
#include "cli/gpu_bench_output.hpp"
#include "cli/gpu_random_config.hpp"
#include "cli/gpu_timing.hpp"
#include "cli/gpu_verify.hpp"
#include "cli/option_types.hpp"
#include "gpu/sm90_config.hpp"
#include "measure/cublas.hpp"

namespace thresher::cli {
namespace {

TEST(DeviceChoice, IsTheCpuOrAGpuByItsNumber) {
  EXPECT_EQ(parse_device("cpu"), DeviceChoice{});
  EXPECT_EQ(parse_device("cuda"), DeviceChoice{.gpu = 0});
  EXPECT_EQ(parse_device("cuda:0"), DeviceChoice{.gpu = 0});
  EXPECT_EQ(parse_device("cuda:15"), DeviceChoice{.gpu = 15});
  for (const char* text : {"", "CPU", "cpu:0", "gpu", "cuda:", "cuda0", "cuda:-1", "cuda:+1", "cuda:1x", "cuda: 1",
                           "cuda:99999999999", "cuda::1"})
    EXPECT_FALSE(parse_device(text).has_value()) << text;
  EXPECT_EQ(to_text(DeviceChoice{}), "cpu");
  EXPECT_EQ(to_text(DeviceChoice{.gpu = 3}), "cuda:3");
}

TEST(GpuRandomConfig, FewConfigsReachEveryKindOfKernel) {
  const std::vector<Sm90Config> configs = gpu_verify_configs();
  EXPECT_EQ(configs, gpu_verify_configs());
  EXPECT_EQ(configs.size(), 9u);
  std::set<std::string> distinct;
  std::set<std::tuple<std::int32_t, Sm90Products>> kinds;
  std::set<Sm90Schedule> schedules;
  std::set<std::int32_t> steps;
  std::set<std::int32_t> depths;
  for (const Sm90Config& config : configs) {
    distinct.insert(to_text(config));
    kinds.emplace(config.tile_rows, config.products);
    schedules.insert(config.scheduler);
    steps.insert(config.token_step);
    depths.insert(config.tile_k);
  }
  EXPECT_EQ(distinct.size(), configs.size());
  EXPECT_EQ(kinds.size(), 8u);
  EXPECT_TRUE(schedules.contains(Sm90Schedule::static_tiles) && schedules.contains(Sm90Schedule::stream_k));
  EXPECT_GE(steps.size(), 3u);
  EXPECT_TRUE(depths.contains(64) && depths.contains(128));
}

TEST(GpuRandomConfig, EveryConfigRunsWithEveryProblem) {
  for (const Sm90Config& config : gpu_verify_configs()) {
    EXPECT_EQ(why_invalid(config), "") << to_text(config);
    for (const Op op : {Op::plain, Op::gated}) {
      for (const OutputType output : {OutputType::fp16, OutputType::fp32, OutputType::nvfp4}) {
        for (const std::int64_t groups : {1, 5}) {
          for (const std::int64_t rows : {1, 40, 100, 1000}) {
            const gpu::Sm90Traits traits{.op = op, .output = output, .bias = true, .groups = groups};
            EXPECT_EQ(gpu::why_not(gpu::resolve(config, traits, {.rows = rows}), traits), "") << to_text(config);
          }
        }
      }
    }
  }
}

TEST(GpuRandomConfig, HalfOfTheSeedsAreAutomaticAndAllConfigsAreDealt) {
  constexpr int kSeeds = 2000;
  int automatic = 0;
  std::set<std::string> dealt;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Sm90Config config = random_gpu_config(seed);
    EXPECT_EQ(config, random_gpu_config(seed));
    automatic += config == Sm90Config{} ? 1 : 0;
    dealt.insert(to_text(config));
  }
  EXPECT_GT(automatic, kSeeds * 4 / 10);
  EXPECT_LT(automatic, kSeeds * 6 / 10);
  EXPECT_EQ(dealt.size(), 1 + gpu_verify_configs().size());
}

TEST(GpuVerify, FailuresNameTheDeviceInTableAndJson) {
  GpuVerifyReport report;
  report.name = "NVIDIA H200 (cuda:1)";
  report.device = "cuda:1";
  report.totals = {.seeds = 3, .elements = 40, .failures = 1, .max_rel_err = 1e-3, .worst_ratio = 0.5};
  EXPECT_TRUE(report.ok());
  report.failures.push_back({.seed = 7, .problem = "plain", .config = "tile_k=64", .error = "bad", .device = "cuda:1"});
  const std::string command = "thresher verify --device cuda:1 --seed 7 --seeds 1";
  EXPECT_EQ(reproduce_command(report.failures.front()), command);
  const std::string text = to_text(report);
  for (const std::string& part : {std::string("device  seeds"), std::string("\ncuda:1 "), "again: " + command})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  const Json json = to_json(report);
  EXPECT_EQ(json.at("ok"), false);
  EXPECT_EQ(json.at("device"), "NVIDIA H200 (cuda:1)");
  ASSERT_EQ(json.at("devices").size(), 1u);
  EXPECT_EQ(json.at("devices")[0].at("device"), "cuda:1");
  EXPECT_EQ(json.at("devices")[0].at("failures"), 1);
  EXPECT_EQ(json.at("failures")[0].at("reproduce"), command);
  EXPECT_TRUE(json.at("stopped").is_null());
}

TEST(GpuVerify, SeedsThatWereLeftOutAreNotOk) {
  GpuVerifyReport report;
  report.stopped = "cuCtxSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (700)";
  EXPECT_FALSE(report.ok());
  EXPECT_NE(to_text(report).find("ILLEGAL_ADDRESS"), std::string::npos);
}

TEST(GpuRotation, ExceedsTwiceTheCacheAnd300Megabytes) {
  constexpr std::size_t kMega = 1'000'000;
  EXPECT_GT(gpu_rotation(10 * kMega, 60 * kMega, 1000).sets * 10, 300);
  EXPECT_GT(gpu_rotation(10 * kMega, 400 * kMega, 1000).sets * 10, 800);
  EXPECT_EQ(gpu_rotation(5000 * kMega, 60 * kMega, 1000).sets, 2);
  EXPECT_EQ(gpu_rotation(5000 * kMega, 60 * kMega, 1).sets, 1);
  EXPECT_TRUE(gpu_rotation(10 * kMega, 60 * kMega, 1000).beyond_cache);
  EXPECT_FALSE(gpu_rotation(10 * kMega, 60 * kMega, 5).beyond_cache);
}

TEST(GpuTiming, ReplaysUseEverySetAlike) {
  EXPECT_EQ(calls_per_replay(1, 0.0, 0.0), 8);
  EXPECT_EQ(calls_per_replay(3, 0.0, 0.0), 9);
  EXPECT_EQ(calls_per_replay(2, 1.0, 2e-3), 8);
  EXPECT_EQ(calls_per_replay(30, 0.0, 0.0), 30);
  EXPECT_EQ(calls_per_replay(2, 10e-6, 2e-3), 200);
  EXPECT_EQ(calls_per_replay(30, 10e-6, 2e-3), 210);
  EXPECT_LE(calls_per_replay(2, 1e-9, 2e-3), 4096);
}

measure::GpuCeilings ceilings_of(std::optional<double> rate) {
  return {.measured_at = "now",
          .copy_bytes_per_second = 1e12,
          .matrix_flops_per_second = rate,
          .matrix_library = rate ? "libcublas.so.13" : "",
          .why_no_rate = rate ? "" : "libcublas.so.13: cannot open"};
}

// 0.1024 GFLOP and some 0.5 MB.
GpuBenchResult timed(std::optional<double> rate) {
  const Problem problem{.op = Op::gated, .m = {100}, .n = 160, .k = 1600};
  measure::Samples samples;
  samples.seconds.assign(11, 0.2048);
  GpuBenchResult result;
  result.common.case_name = "c";
  result.common.max_rel_err = 1e-4;
  result.common.ok = true;
  result.common.times = summarise(problem, samples, ceilings_of(rate));
  result.kernel = "sm90_gated";
  result.rate_known = rate.has_value();
  result.host_us = 4.5;
  return result;
}

TEST(GpuBenchOutput, WithARateTheFloorMayBeThatOfComputing) {
  const GpuBenchResult result = timed(1e9);
  EXPECT_DOUBLE_EQ(result.common.times->floor_us, 102400.0);
  EXPECT_FALSE(result.common.times->memory_bound);
  EXPECT_EQ(gpu_bench_cells(result)[2], "sm90_gated");
  EXPECT_EQ(gpu_bench_cells(result)[7], "50.0 %");
  EXPECT_EQ(gpu_bench_cells(result).back(), to_text(Sm90Config{}));
  const Json json = to_json(result);
  EXPECT_DOUBLE_EQ(json.at("rate_fraction").get<double>(), 0.5);
  EXPECT_EQ(json.at("kernel"), "sm90_gated");
  EXPECT_EQ(json.at("config"), to_text(Sm90Config{}));
  EXPECT_DOUBLE_EQ(json.at("host_us").get<double>(), 4.5);
  EXPECT_FALSE(json.contains("isa") || json.contains("threads"));
}

TEST(GpuBenchOutput, WithoutCublasItSaysSo) {
  const GpuBenchResult result = timed(std::nullopt);
  EXPECT_TRUE(result.common.times->memory_bound);
  EXPECT_LT(result.common.times->floor_us, 10.0);
  EXPECT_EQ(gpu_bench_cells(result)[7], "no cuBLAS");
  EXPECT_TRUE(to_json(result).at("rate_fraction").is_null());
  const Json ceilings = to_json(ceilings_of(std::nullopt));
  EXPECT_TRUE(ceilings.at("tflops").at("fp16").is_null());
  EXPECT_EQ(ceilings.at("why_no_rate"), "libcublas.so.13: cannot open");
  EXPECT_NE(ceilings_line(ceilings_of(std::nullopt)).find("cannot open"), std::string::npos);
  EXPECT_NE(ceilings_line(ceilings_of(7e14)).find("700 TFLOP/s"), std::string::npos);
}

TEST(GpuBenchOutput, AWrongAnswerHasNoTimes) {
  GpuBenchResult wrong;
  wrong.common.case_name = "c";
  wrong.common.max_rel_err = 0.5;
  wrong.common.error = "wrong answer: 1 of 2";
  EXPECT_EQ(gpu_bench_cells(wrong)[7], "-");
  EXPECT_EQ(gpu_bench_cells(wrong)[11], "WRONG");
  GpuBenchReport report;
  report.results = {wrong};
  const Json json = to_json(report);
  EXPECT_EQ(json.at("ok"), false);
  EXPECT_TRUE(json.at("ceilings").is_null());
  EXPECT_TRUE(json.at("results")[0].at("median_us").is_null());
  EXPECT_TRUE(json.at("results")[0].at("host_us").is_null());
}

TEST(Cublas, IsLookedForByNameThenInToolkits) {
  const std::vector<std::string> candidates = measure::cublas_candidates({});
  ASSERT_GE(candidates.size(), 2u);
  EXPECT_EQ(candidates[0], "libcublas.so.13");
  EXPECT_EQ(candidates[1], "libcublas.so.12");
}

}  // namespace
}  // namespace thresher::cli
