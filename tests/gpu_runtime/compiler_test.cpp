// The way from a source to a kernel, through a cache that may be sound, damaged or not there.
#include "gpu/compiler.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "gpu/kernel_registry.hpp"
#include "gpu/kernel_text.hpp"
#include "installed_nvrtc.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

namespace fs = std::filesystem;

KernelSource sample() {
  KernelSource kernel;
  kernel.name = "scale";
  kernel.source = "extern \"C\" __global__ void scale(float* p) { p[threadIdx.x] *= 3; }";
  kernel.threads = 128;
  kernel.dynamic_smem_bytes = 113 * 1024;
  return kernel;
}

TEST(CacheKey, EveryPartOfASourceChangesIt) {
  const std::string key = cache_key_text(sample());
  KernelSource other = sample();
  other.name = "scale2";
  EXPECT_NE(cache_key_text(other), key);
  other = sample();
  other.source += " ";
  EXPECT_NE(cache_key_text(other), key);
  other = sample();
  other.arch = "sm_100a";
  EXPECT_NE(cache_key_text(other), key);
  other = sample();
  other.options.emplace_back("-lineinfo");
  EXPECT_NE(cache_key_text(other), key);
  other = sample();
  other.headers = {{"a", "b"}};
  const std::string with_header = cache_key_text(other);
  EXPECT_NE(with_header, key);
  other.headers = {{"a\ntext 1\nb", ""}};
  EXPECT_NE(cache_key_text(other), with_header);
  other = sample();
  other.threads = 64;
  EXPECT_EQ(cache_key_text(other), key) << "how it is launched decides nothing of the code";
}

TEST(Compiler, SecondCallComesFromTheCacheWithTheSameEvidence) {
  if (installed_nvrtc() == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const TemporaryFolder folder;
  const Compiler compiler(nvrtc_of_this_machine(), CubinCache(folder.path()));
  const auto first = compiler.compile(sample());
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(first)) << std::get<CompileFailure>(first).reason;
  const auto& compiled = std::get<CompiledKernel>(first);
  EXPECT_FALSE(compiled.from_cache);
  EXPECT_TRUE(compiled.warnings.empty());
  EXPECT_EQ(compiled.compiler, "nvrtc-" + installed_nvrtc()->version());
  EXPECT_GT(compiled.evidence.registers, 0);
  ASSERT_TRUE(compiled.evidence.occupancy);
  EXPECT_EQ(*compiled.evidence.occupancy, (Occupancy{2, "shared memory"}));

  const auto start = std::chrono::steady_clock::now();
  const auto second = compiler.compile(sample());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(second));
  const auto& cached = std::get<CompiledKernel>(second);
  EXPECT_TRUE(cached.from_cache);
  EXPECT_EQ(cached.cubin, compiled.cubin);
  EXPECT_EQ(cached.evidence, compiled.evidence);
  EXPECT_LT(seconds.count(), 0.05);
}

TEST(Compiler, DamagedEntryIsCompiledAgainAndMended) {
  if (installed_nvrtc() == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  const Compiler compiler(nvrtc_of_this_machine(), cache);
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(compiler.compile(sample())));
  fs::resize_file(cache.list().at(0).file, 1000);
  const auto again = compiler.compile(sample());
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(again));
  EXPECT_FALSE(std::get<CompiledKernel>(again).from_cache);
  ASSERT_EQ(std::get<CompiledKernel>(again).warnings.size(), 1u);
  EXPECT_NE(std::get<CompiledKernel>(again).warnings[0].find("checksum"), std::string::npos);
  EXPECT_TRUE(std::get<CompiledKernel>(compiler.compile(sample())).from_cache);
}

TEST(Compiler, CacheThatCantBeWrittenIsAWarningOnly) {
  if (installed_nvrtc() == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "in the way";
  const Compiler compiler(nvrtc_of_this_machine(), CubinCache(folder.path() / "file"));
  const auto outcome = compiler.compile(sample());
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(outcome));
  EXPECT_FALSE(std::get<CompiledKernel>(outcome).cubin.empty());
  EXPECT_FALSE(std::get<CompiledKernel>(outcome).warnings.empty());
}

TEST(Compiler, WithoutNvrtcTheCacheServesAndTheRestIsRefusedInWords) {
  if (installed_nvrtc() == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  NvrtcLoad none;
  none.why_not = "there is no NVRTC";
  const Compiler without(none, cache);
  const auto missing = without.compile(sample());
  ASSERT_TRUE(std::holds_alternative<CompileFailure>(missing));
  EXPECT_EQ(std::get<CompileFailure>(missing).reason, "kernel 'scale' is not in the cache, and there is no NVRTC");
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(Compiler(nvrtc_of_this_machine(), cache).compile(sample())));
  const auto served = without.compile(sample());
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(served));
  EXPECT_TRUE(std::get<CompiledKernel>(served).from_cache);
  EXPECT_EQ(std::get<CompiledKernel>(served).compiler, "nvrtc-" + installed_nvrtc()->version());
}

TEST(Compiler, EntryThatIsNotThereIsNamedBesideThoseThatAre) {
  if (installed_nvrtc() == nullptr) GTEST_SKIP() << kNeedsNvrtc;
  const Compiler compiler(nvrtc_of_this_machine(), std::nullopt);
  KernelSource kernel = sample();
  kernel.name = "skale";
  const auto outcome = compiler.compile(kernel);
  ASSERT_TRUE(std::holds_alternative<CompileFailure>(outcome));
  EXPECT_NE(std::get<CompileFailure>(outcome).reason.find("kernel 'skale' but of scale"), std::string::npos);
}

TEST(KernelText, IsTheFilesByteForByte) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(THRESHER_KERNELS)) {
    if (entry.path().extension() != ".cuh") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_TRUE(kernel_text(entry.path().filename().string()) == text) << entry.path();
    ++files;
  }
  EXPECT_EQ(kernel_files().size(), files);
  EXPECT_THROW((void)kernel_text("no_such.cuh"), Error);
}

TEST(KernelRegistry, UnknownNameIsAnsweredWithThoseThatExist) {
  const RegisteredKernel kernels[] = {{"first", "", nullptr}, {"second", "", nullptr}};
  EXPECT_EQ(kernel_named(kernels, "second").name, "second");
  try {
    (void)kernel_named(kernels, "third");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "there is no kernel 'third'; there are first, second");
  }
}

}  // namespace
}  // namespace thresher::gpu
