// Finding NVRTC and compiling with it, for real where there is one: it needs no GPU.
#include "gpu/nvrtc.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "gpu/cubin_image.hpp"
#include "gpu/resources.hpp"
#include "installed_nvrtc.hpp"
#include "temporary_folder.hpp"

namespace thresher::gpu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSpilling = R"(
extern "C" __global__ void __launch_bounds__(1024) spills(float* p, int n) {
  float v[100];
#pragma unroll
  for (int i = 0; i < 100; ++i) v[i] = p[i * 1024 + threadIdx.x];
  for (int k = 0; k < n; ++k) {
#pragma unroll
    for (int i = 0; i < 100; ++i) v[i] = v[i] * v[(i * 7 + 3) % 100] + p[k];
  }
#pragma unroll
  for (int i = 0; i < 100; ++i) p[i * 1024 + threadIdx.x] = v[i];
}
extern "C" __global__ void modest(float* p) {
  __shared__ float s[256];
  s[threadIdx.x] = p[threadIdx.x];
  __syncthreads();
  p[threadIdx.x] = s[255 - threadIdx.x];
})";

std::variant<NvrtcOutput, CompileFailure> compile(const Nvrtc& nvrtc, const std::string& source,
                                                  std::vector<std::string> options = standard_options(),
                                                  std::string arch = "sm_90a", std::vector<Header> headers = {}) {
  return nvrtc.compile({.name = "test.cu", .source = source, .arch = arch, .options = options, .headers = headers});
}

NvrtcSearch nowhere() {
  NvrtcSearch search;
  search.names = {};
  return search;
}

TEST(NvrtcSearch, TriesTheLoaderThenToolkitsThenWheels) {
  const TemporaryFolder folder;
  const fs::path toolkit = folder.path() / "cuda" / "lib64" / "libnvrtc.so.13";
  const fs::path wheel = folder.path() / ".venv/lib/python3.11/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12";
  const fs::path newer_wheel = folder.path() / ".venv/lib/python3.11/site-packages/nvidia/cu13/lib/libnvrtc.so.13";
  for (const fs::path& file : {toolkit, wheel, newer_wheel}) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "no library";
  }
  NvrtcSearch search;
  search.toolkits = {folder.path() / "cuda", folder.path() / "missing"};
  search.projects = {folder.path()};
  EXPECT_EQ(nvrtc_candidates(search),
            (std::vector<std::string>{"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", toolkit.string(),
                                      wheel.string(), newer_wheel.string()}));
  search.forced = "/forced";
  EXPECT_EQ(nvrtc_candidates(search), std::vector<std::string>{"/forced"});
}

TEST(NvrtcSearch, EnvironmentNamesLibraryAndToolkits) {
  device::Environment environment;
  environment.nvrtc = "/n";
  environment.cuda_home = "/home-of-cuda";
  environment.cuda_path = "/path-of-cuda";
  const NvrtcSearch search = nvrtc_search(environment);
  EXPECT_EQ(search.forced, "/n");
  ASSERT_GE(search.toolkits.size(), 2u);
  EXPECT_EQ(search.toolkits[search.toolkits.size() - 2], "/home-of-cuda");
  EXPECT_EQ(search.toolkits.back(), "/path-of-cuda");
  EXPECT_EQ(search.projects.front(), fs::current_path());
}

TEST(Nvrtc, MissingSaysWhereItWasLookedForAndWhatToDo) {
  const TemporaryFolder folder;
  const fs::path broken = folder.path() / "lib64" / "libnvrtc.so.13";
  fs::create_directories(broken.parent_path());
  std::ofstream(broken) << "no library";
  NvrtcSearch search = nowhere();
  search.toolkits = {folder.path()};
  const NvrtcLoad load = Nvrtc::load(search);
  EXPECT_EQ(load.nvrtc, nullptr);
  EXPECT_NE(load.why_not.find("nvidia-cuda-nvrtc"), std::string::npos) << load.why_not;
  ASSERT_EQ(load.looked_at.size(), 1u);
  EXPECT_NE(load.looked_at[0].find(broken.string()), std::string::npos) << load.looked_at[0];
}

TEST(Nvrtc, LibraryThatIsNotNvrtcIsRefusedByItsSymbols) {
  NvrtcSearch search = nowhere();
  search.forced = "libm.so.6";
  const NvrtcLoad load = Nvrtc::load(search);
  EXPECT_EQ(load.nvrtc, nullptr);
  EXPECT_NE(load.why_not.find("lacks nvrtcVersion"), std::string::npos) << load.why_not;
}

TEST(Nvrtc, CompilesToAWholeCubinWithEvidence) {
  const Nvrtc* const nvrtc = installed_nvrtc();
  if (nvrtc == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const auto outcome = compile(*nvrtc, kSpilling);
  ASSERT_TRUE(std::holds_alternative<NvrtcOutput>(outcome)) << std::get<CompileFailure>(outcome).log;
  const NvrtcOutput& output = std::get<NvrtcOutput>(outcome);
  EXPECT_EQ(why_no_cubin(output.cubin), std::nullopt);
  const PtxasReport report = parse_ptxas_log(output.log);
  ASSERT_EQ(report.kernels.size(), 2u) << output.log;
  EXPECT_TRUE(report.find("spills")->spills()) << output.log;
  EXPECT_GT(report.find("spills")->stack_bytes, 0);
  EXPECT_FALSE(report.find("modest")->uses_local_memory());
  EXPECT_EQ(report.find("modest")->static_smem_bytes, 1024);
  EXPECT_EQ(report.find("modest")->barriers, 1);
  EXPECT_TRUE(std::any_of(report.remarks.begin(), report.remarks.end(), [](const std::string& remark) {
    return remark.rfind("Local memory used for function 'spills'", 0) == 0;
  })) << output.log;
}

TEST(Nvrtc, CubinThatIsCutOffAnywhereIsNotGivenToTheDriver) {
  const Nvrtc* const nvrtc = installed_nvrtc();
  if (nvrtc == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const auto outcome = compile(*nvrtc, kSpilling);
  ASSERT_TRUE(std::holds_alternative<NvrtcOutput>(outcome));
  const std::string& cubin = std::get<NvrtcOutput>(outcome).cubin;
  for (std::size_t bytes = 0; bytes < cubin.size(); ++bytes) {
    ASSERT_TRUE(why_no_cubin(std::string_view(cubin).substr(0, bytes))) << bytes << " of " << cubin.size();
  }
  EXPECT_TRUE(why_no_cubin(std::string(200, 'x')));
}

TEST(Nvrtc, WrongSourceIsAFailureWithTheCompilersWords) {
  const Nvrtc* const nvrtc = installed_nvrtc();
  if (nvrtc == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const auto outcome = compile(*nvrtc, "extern \"C\" __global__ void k(float* p) { p[0] = undefined_thing; }");
  ASSERT_TRUE(std::holds_alternative<CompileFailure>(outcome));
  const CompileFailure& failure = std::get<CompileFailure>(outcome);
  EXPECT_EQ(failure.reason, "test.cu(1): error: identifier \"undefined_thing\" is undefined");
  EXPECT_NE(failure.log.find("1 error detected"), std::string::npos) << failure.log;
}

TEST(Nvrtc, WrongOptionsAndArchitecturesAreFailures) {
  const Nvrtc* const nvrtc = installed_nvrtc();
  if (nvrtc == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const std::string source = "extern \"C\" __global__ void k() {}";
  for (const auto& outcome : {compile(*nvrtc, source, {"--no-such-option"}), compile(*nvrtc, source, {}, "sm_12345"),
                              compile(*nvrtc, source, {}, "compute_90")}) {
    ASSERT_TRUE(std::holds_alternative<CompileFailure>(outcome));
    EXPECT_NE(std::get<CompileFailure>(outcome).reason, "");
  }
}

TEST(Nvrtc, HeadersAreIncludedByNameAndNoFilesAreRead) {
  const Nvrtc* const nvrtc = installed_nvrtc();
  if (nvrtc == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const std::string source = "#include \"seven.cuh\"\nextern \"C\" __global__ void k(int* p) { *p = kSeven; }";
  EXPECT_TRUE(std::holds_alternative<NvrtcOutput>(
      compile(*nvrtc, source, standard_options(), "sm_90a", {{"seven.cuh", "constexpr int kSeven = 7;"}})));
  EXPECT_TRUE(std::holds_alternative<CompileFailure>(compile(*nvrtc, source)));
}

}  // namespace
}  // namespace thresher::gpu
