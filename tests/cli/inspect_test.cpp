// Compile evidence of kernels, with kernels that only these tests know, and the cache that keeps them.
#include "cli/inspect.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "process.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

using cli_test::Folder;
using cli_test::run;
using nlohmann::json;

// One knob: the number of values that a thread keeps; anything else is refused.
std::variant<gpu::PreparedKernel, gpu::WhyNot> prepare(std::string_view config) {
  if (config == "broken=1") return gpu::PreparedKernel{.source = {.name = "k", .source = "no C++"}, .launch = {}};
  if (config != "" && config != "values=100") return gpu::WhyNot{"values must be 100"};
  const std::string source = R"(
extern "C" __global__ void __launch_bounds__(1024) k(float* p, int n) {
  float v[kValues];
#pragma unroll
  for (int i = 0; i < kValues; ++i) v[i] = p[i * 1024 + threadIdx.x];
  for (int k = 0; k < n; ++k) {
#pragma unroll
    for (int i = 0; i < kValues; ++i) v[i] = v[i] * v[(i * 7 + 3) % kValues] + p[k];
  }
#pragma unroll
  for (int i = 0; i < kValues; ++i) p[i * 1024 + threadIdx.x] = v[i];
})";
  const std::string values = config == "" ? "4" : "100";
  return gpu::PreparedKernel{.source = {.name = "k", .source = "constexpr int kValues = " + values + ";" + source},
                             .launch = {.block = {1024, 1, 1}, .cluster = {2, 1, 1}, .dynamic_smem_bytes = 100 * 1024}};
}

constexpr gpu::RegisteredKernel kKernels[] = {{"test_kernel", "keeps values", prepare}};

const gpu::Compiler& compiler() {
  static const gpu::Compiler instance(gpu::Nvrtc::load(gpu::nvrtc_search(device::read_environment())), std::nullopt);
  return instance;
}

bool needs_nvrtc() {
  return compiler().nvrtc().nvrtc == nullptr;
}

TEST(Inspect, ShowsWhatAKernelTakes) {
  if (needs_nvrtc()) GTEST_SKIP() << "needs NVRTC: " << compiler().nvrtc().why_not;
  const InspectReport report = inspect({.kernel = "test_kernel"}, kKernels, compiler());
  ASSERT_NE(report.compiled(), nullptr);
  const json shown = to_json(report);
  EXPECT_EQ(shown.at("ok"), true);
  EXPECT_EQ(shown.at("arch"), "sm_90a");
  EXPECT_EQ(shown.at("launch").at("cluster"), json::array({2, 1, 1}));
  EXPECT_EQ(shown.at("evidence").at("spill_store_bytes"), 0);
  EXPECT_EQ(shown.at("evidence").at("dynamic_smem_bytes"), 100 * 1024);
  EXPECT_EQ(shown.at("evidence").at("threads"), 1024);
  EXPECT_EQ(shown.at("evidence").at("occupancy").at("ctas_per_sm"), 2);
  EXPECT_NE(to_text(report).find("\nspills         none\n"), std::string::npos) << to_text(report);
}

TEST(Inspect, SpillsAreShown) {
  if (needs_nvrtc()) GTEST_SKIP() << "needs NVRTC: " << compiler().nvrtc().why_not;
  const InspectReport report = inspect({.kernel = "test_kernel", .config = "values=100"}, kKernels, compiler());
  const json shown = to_json(report);
  EXPECT_GT(shown.at("evidence").at("spill_store_bytes"), 0);
  EXPECT_FALSE(shown.at("remarks").empty());
  EXPECT_EQ(to_text(report).find("spills         none"), std::string::npos) << to_text(report);
}

TEST(Inspect, OtherArchitecturesCompileButHaveNoTable) {
  if (needs_nvrtc()) GTEST_SKIP() << "needs NVRTC: " << compiler().nvrtc().why_not;
  const json shown = to_json(inspect({.kernel = "test_kernel", .arch = "sm_100a"}, kKernels, compiler()));
  EXPECT_EQ(shown.at("arch"), "sm_100a");
  EXPECT_TRUE(shown.at("evidence").at("occupancy").is_null());
}

TEST(Inspect, SourceThatDoesNotCompileIsShownWithItsLog) {
  if (needs_nvrtc()) GTEST_SKIP() << "needs NVRTC: " << compiler().nvrtc().why_not;
  const InspectReport report = inspect({.kernel = "test_kernel", .config = "broken=1"}, kKernels, compiler());
  const json shown = to_json(report);
  EXPECT_EQ(shown.at("ok"), false);
  EXPECT_NE(shown.at("log").get<std::string>().find("error"), std::string::npos);
  EXPECT_NE(to_text(report).find("not compiled   k(1): error"), std::string::npos) << to_text(report);
}

TEST(Inspect, ConfigThatCantRunIsRefusedInTheKernelsWords) {
  try {
    (void)inspect({.kernel = "test_kernel", .config = "values=3"}, kKernels, compiler());
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "kernel 'test_kernel' can't have the config 'values=3': values must be 100");
  }
}

TEST(Inspect, UnknownKernelFailsInOneLine) {
  const auto outcome = run("inspect --kernel no_such_kernel");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(cli_test::lines(outcome.err), 1) << outcome.err;
  EXPECT_NE(outcome.err.find("no_such_kernel"), std::string::npos) << outcome.err;
  EXPECT_EQ(run("inspect").status, 2);
}

TEST(Cache, ListsAndClearsWhatWasCompiled) {
  if (needs_nvrtc()) GTEST_SKIP() << "needs NVRTC: " << compiler().nvrtc().why_not;
  const Folder folder;
  const std::string variables = "THRESHER_CACHE_DIR=" + folder.path().string();
  EXPECT_EQ(run("cache list", variables).out, "0 kernels, 0.0 KiB in " + (folder.path() / "cubin").string() + "\n");
  const gpu::Compiler caching(compiler().nvrtc(), gpu::CubinCache(folder.path() / "cubin"));
  ASSERT_NE(inspect({.kernel = "test_kernel"}, kKernels, caching).compiled(), nullptr);
  ASSERT_TRUE(inspect({.kernel = "test_kernel"}, kKernels, caching).compiled()->from_cache);
  folder.write("cubin/0000000000000000-nvrtc-13.0.cubin", "half");
  const json listed = json::parse(run("cache list --json", variables).out);
  ASSERT_EQ(listed.at("entries").size(), 2u);
  EXPECT_FALSE(listed.at("entries")[0].at("error").is_null());
  EXPECT_EQ(listed.at("entries")[1].at("kernel"), "k");
  EXPECT_EQ(listed.at("entries")[1].at("arch"), "sm_90a");
  EXPECT_NE(run("cache list", variables).out.find("not usable: "), std::string::npos);
  EXPECT_EQ(json::parse(run("cache clear --json", variables).out).at("removed_files"), 2);
  EXPECT_TRUE(json::parse(run("cache list --json", variables).out).at("entries").empty());
}

TEST(Cache, WithoutAnyFolderItSaysWhichVariablesNameOne) {
  const auto outcome = run("cache list", "unset THRESHER_CACHE_DIR XDG_CACHE_HOME HOME;");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("THRESHER_CACHE_DIR"), std::string::npos) << outcome.err;
  EXPECT_EQ(run("cache").status, 2);
}

}  // namespace
}  // namespace thresher::cli
