// The tables of occupancy against hand-made values and, where the toolkit has it, NVIDIA's own calculator.
#include "gpu/occupancy.hpp"

#include <gtest/gtest.h>

#include "thresher/error.hpp"
#if __has_include(<cuda_occupancy.h>)
#include <cuda_occupancy.h>
#endif

namespace thresher::gpu {
namespace {

Occupancy on_hopper(int registers, int threads, std::int64_t smem_bytes) {
  return occupancy(*sm_limits(9, 0), {.registers_per_thread = registers, .threads = threads, .smem_bytes = smem_bytes});
}

TEST(Occupancy, EachResourceCanBeTheLimit) {
  EXPECT_EQ(on_hopper(32, 1024, 0), (Occupancy{2, "registers and warps"}));
  EXPECT_EQ(on_hopper(16, 32, 0), (Occupancy{32, "CTAs"}));
  EXPECT_EQ(on_hopper(16, 1024, 0), (Occupancy{2, "warps"}));
  EXPECT_EQ(on_hopper(64, 256, 0), (Occupancy{4, "registers"}));
  EXPECT_EQ(on_hopper(32, 128, 75 * 1024), (Occupancy{3, "shared memory"}));
}

TEST(Occupancy, DriversKilobyteCountsForEachCta) {
  EXPECT_EQ(on_hopper(32, 128, 113 * 1024).ctas_per_sm, 2);
  EXPECT_EQ(on_hopper(32, 128, 113 * 1024 + 1).ctas_per_sm, 1);
  EXPECT_EQ(on_hopper(32, 128, 227 * 1024).ctas_per_sm, 1);
  EXPECT_EQ(on_hopper(32, 128, 227 * 1024 + 1), (Occupancy{0, "shared memory"}));
}

TEST(Occupancy, RegistersBelongToAQuarterOfTheMultiprocessor) {
  // 5 warps of 255 registers: 8 warps fit, 2 a quarter, but the launch counts 8 of them for this CTA.
  EXPECT_EQ(on_hopper(255, 5 * 32, 0).ctas_per_sm, 1);
  EXPECT_EQ(on_hopper(255, 9 * 32, 0), (Occupancy{0, "registers"}));
  EXPECT_EQ(on_hopper(256, 32, 0), (Occupancy{0, "registers"}));
  EXPECT_EQ(on_hopper(168, 384, 0).ctas_per_sm, 1);
  EXPECT_EQ(on_hopper(169, 384, 0).ctas_per_sm, 0);
}

TEST(Occupancy, TooManyThreadsFitNowhere) {
  EXPECT_EQ(on_hopper(8, 1025, 0), (Occupancy{0, "warps"}));
}

TEST(Occupancy, NonsenseIsRefused) {
  EXPECT_THROW((void)on_hopper(32, 0, 0), Error);
  EXPECT_THROW((void)on_hopper(-1, 32, 0), Error);
  EXPECT_THROW((void)on_hopper(32, 32, -1), Error);
}

TEST(Occupancy, UnknownGpusHaveNoTable) {
  EXPECT_FALSE(sm_limits(8, 0));
  EXPECT_FALSE(sm_limits(10, 0));
}

TEST(Occupancy, AgreesWithTheToolkitsCalculatorEverywhere) {
#if __has_include(<cuda_occupancy.h>)
  cudaOccDeviceProp properties;
  properties.computeMajor = 9;
  properties.computeMinor = 0;
  properties.maxThreadsPerBlock = 1024;
  properties.maxThreadsPerMultiprocessor = 2048;
  properties.regsPerBlock = 65536;
  properties.regsPerMultiprocessor = 65536;
  properties.warpSize = 32;
  properties.sharedMemPerBlock = 48 * 1024;
  properties.sharedMemPerMultiprocessor = 228 * 1024;
  properties.numSms = 132;
  properties.sharedMemPerBlockOptin = 227 * 1024;
  properties.reservedSharedMemPerBlock = 1024;
  const cudaOccDeviceState state;
  int compared = 0;
  for (int registers = 8; registers <= 255; ++registers) {
    for (int threads = 32; threads <= 1024; threads += 32) {
      for (const std::size_t smem : {0, 1, 20'000, 31'744, 60'000, 116'736, 200'000, 232'448}) {
        cudaOccFuncAttributes attributes;
        attributes.maxThreadsPerBlock = 1024;
        attributes.numRegs = registers;
        attributes.sharedSizeBytes = 0;
        attributes.maxDynamicSharedSizeBytes = 232'448;
        attributes.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
        cudaOccResult result;
        ASSERT_EQ(cudaOccMaxActiveBlocksPerMultiprocessor(&result, &properties, &attributes, &state, threads, smem),
                  CUDA_OCC_SUCCESS);
        ASSERT_EQ(on_hopper(registers, threads, static_cast<std::int64_t>(smem)).ctas_per_sm,
                  result.activeBlocksPerMultiprocessor)
            << registers << " registers, " << threads << " threads, " << smem << " bytes";
        ++compared;
      }
    }
  }
  EXPECT_EQ(compared, 248 * 32 * 8);
#else
  GTEST_SKIP() << "needs cuda_occupancy.h of a CUDA toolkit to compare with";
#endif
}

}  // namespace
}  // namespace thresher::gpu
