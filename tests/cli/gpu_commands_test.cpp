// verify and bench on a GPU as a user meets them: refusals everywhere, answers where there is a Hopper GPU.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "process.hpp"

namespace thresher::cli_test {
namespace {

using nlohmann::json;

// No GPU is visible with this, whatever the machine has.
const std::string kHidden = "CUDA_VISIBLE_DEVICES=";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void expect_one_line(const Outcome& outcome, int status) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(lines(outcome.err), 1) << outcome.err;
}

TEST(GpuCommands, WithoutAGpuOneLineSaysWhyAndWhatToDo) {
  for (const char* arguments : {"verify --device cuda:0 --seeds 1", "verify --device cuda --json",
                                "bench --device cuda:0", "bench --device cuda --case g2-k1536 --json"}) {
    SCOPED_TRACE(arguments);
    const Outcome outcome = run(arguments, kHidden);
    expect_one_line(outcome, 1);
    EXPECT_TRUE(contains(outcome.err, "--device cuda:0: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "thresher devices")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "--device cpu")) << outcome.err;
  }
}

TEST(GpuCommands, AGpuThatDoesNotExistIsNamed) {
  const Outcome outcome = run("verify --device cuda:97 --seeds 1");
  expect_one_line(outcome, 1);
  EXPECT_TRUE(contains(outcome.err, "cuda:97")) << outcome.err;
}

TEST(GpuCommands, OptionsOfTheCpuAreWrongUse) {
  for (const char* arguments : {"verify --device cuda:0 --isa avx2", "bench --device cuda:0 --isa avx2",
                                "bench --device cuda:0 --threads 1", "bench --device cuda:0 --no-champions"}) {
    SCOPED_TRACE(arguments);
    const Outcome outcome = run(arguments, kHidden);
    expect_one_line(outcome, 2);
    EXPECT_TRUE(contains(outcome.err, "--device cuda:0")) << outcome.err;
  }
}

TEST(GpuCommands, KnobsAreThoseOfTheDevice) {
  const Outcome of_cpu = run("bench --device cuda:0 --config block_m=64", kHidden);
  expect_one_line(of_cpu, 2);
  EXPECT_TRUE(contains(of_cpu.err, "block_m") && contains(of_cpu.err, "tile_rows")) << of_cpu.err;
  const Outcome of_gpu = run("bench --config tile_rows=64");
  expect_one_line(of_gpu, 2);
  EXPECT_TRUE(contains(of_gpu.err, "tile_rows") && contains(of_gpu.err, "block_m")) << of_gpu.err;
  const Outcome impossible = run("bench --device cuda:0 --config tile_rows=100", kHidden);
  expect_one_line(impossible, 1);
  EXPECT_TRUE(contains(impossible.err, "tile_rows = 100")) << impossible.err;
}

class OnAGpu : public testing::Test {
 protected:
  void SetUp() override {
    const json devices = json::parse(run("devices --json").out).at("devices");
    const json& first = devices.at(1);
    if (!first.at("usable").get<bool>()) {
      GTEST_SKIP() << "needs a Hopper GPU: " << first.at("why_not").get<std::string>();
    }
  }
};

TEST_F(OnAGpu, VerifyPasses) {
  const Outcome outcome = run("verify --device cuda:0 --seeds 4 --json");
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("ok"), true);
  EXPECT_EQ(report.at("devices").at(0).at("seeds"), 4);
  EXPECT_GT(report.at("devices").at(0).at("elements").get<int>(), 0);
}

TEST_F(OnAGpu, BenchJsonHasTheKeysOfTheContract) {
  const Folder folder;
  folder.write("tiny.toml",
               "[[case]]\nname = \"tiny\"\ndescription = \"small\"\nop = \"gated\"\nm = [3, 0, 5]\n"
               "n = 1024\nk = 1024\n");
  const Outcome outcome = run("bench --device cuda:0 --json --seconds 0.1 --cases " + folder.path().string());
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_TRUE(contains(report.at("device").get<std::string>(), "(cuda:0)"));
  EXPECT_GT(report.at("ceilings").at("copy_gbytes_per_s").get<double>(), 100.0);
  const json& result = report.at("results").at(0);
  EXPECT_EQ(result.at("kernel"), "sm90_gated");
  EXPECT_TRUE(contains(result.at("config").get<std::string>(), "tile_rows="));
  for (const char* key : {"median_us", "low_us", "high_us", "floor_us", "floor_fraction", "tflops", "gbytes_per_s",
                          "host_us", "calls_per_replay"})
    EXPECT_GT(result.at(key).get<double>(), 0.0) << key;
  EXPECT_GE(result.at("samples").get<int>(), 11);
  EXPECT_GE(result.at("data_sets").get<int>(), 2);
  EXPECT_EQ(result.at("beyond_cache"), true);
}

}  // namespace
}  // namespace thresher::cli_test
