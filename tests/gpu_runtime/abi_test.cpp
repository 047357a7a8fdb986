// What we declare of CUDA's C ABI against cuda.h and nvrtc.h, where they are installed.
#include <gtest/gtest.h>

#include "gpu/cuda_abi.hpp"

#if __has_include(<cuda.h>)
#include <cuda.h>

namespace thresher::gpu {
namespace {

#define EXPECT_SAME(ours, theirs) static_assert(static_cast<int>(ours) == static_cast<int>(theirs))
#define EXPECT_SAME_OFFSET(our_field, their_field) \
  static_assert(offsetof(LaunchConfig, our_field) == offsetof(CUlaunchConfig, their_field))

EXPECT_SAME(kCuSuccess, CUDA_SUCCESS);
EXPECT_SAME(kCuOutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
EXPECT_SAME(kCuNoDevice, CUDA_ERROR_NO_DEVICE);
EXPECT_SAME(kCuInvalidImage, CUDA_ERROR_INVALID_IMAGE);
EXPECT_SAME(kCuNoBinaryForGpu, CUDA_ERROR_NO_BINARY_FOR_GPU);
EXPECT_SAME(kCuUnsupportedPtxVersion, CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
EXPECT_SAME(kCuNotFound, CUDA_ERROR_NOT_FOUND);
EXPECT_SAME(kCuNotReady, CUDA_ERROR_NOT_READY);

EXPECT_SAME(DeviceAttribute::clock_khz, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
EXPECT_SAME(DeviceAttribute::multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
EXPECT_SAME(DeviceAttribute::ecc_enabled, CU_DEVICE_ATTRIBUTE_ECC_ENABLED);
EXPECT_SAME(DeviceAttribute::memory_clock_khz, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
EXPECT_SAME(DeviceAttribute::memory_bus_bits, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
EXPECT_SAME(DeviceAttribute::l2_bytes, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
EXPECT_SAME(DeviceAttribute::max_threads_per_multiprocessor, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR);
EXPECT_SAME(DeviceAttribute::compute_capability_major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
EXPECT_SAME(DeviceAttribute::compute_capability_minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
EXPECT_SAME(DeviceAttribute::smem_bytes_per_multiprocessor, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR);
EXPECT_SAME(DeviceAttribute::registers_per_multiprocessor, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR);
EXPECT_SAME(DeviceAttribute::max_smem_bytes_per_block, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
EXPECT_SAME(DeviceAttribute::max_blocks_per_multiprocessor, CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR);
EXPECT_SAME(DeviceAttribute::reserved_smem_bytes_per_block, CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK);

EXPECT_SAME(FunctionAttribute::max_threads_per_block, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
EXPECT_SAME(FunctionAttribute::static_smem_bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
EXPECT_SAME(FunctionAttribute::local_bytes, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
EXPECT_SAME(FunctionAttribute::registers, CU_FUNC_ATTRIBUTE_NUM_REGS);
EXPECT_SAME(FunctionAttribute::max_dynamic_smem_bytes, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
EXPECT_SAME(FunctionAttribute::preferred_smem_carveout, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT);
EXPECT_SAME(FunctionAttribute::non_portable_cluster_size_allowed, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);

EXPECT_SAME(kCuStreamNonBlocking, CU_STREAM_NON_BLOCKING);
EXPECT_SAME(kCuEventDefault, CU_EVENT_DEFAULT);
EXPECT_SAME(kCuEventDisableTiming, CU_EVENT_DISABLE_TIMING);
EXPECT_SAME(kCuCaptureThreadLocal, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
EXPECT_SAME(LaunchAttributeId::cluster_dimension, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);
EXPECT_SAME(LaunchAttributeId::programmatic_stream_serialization,
            CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);

EXPECT_SAME(TensorMapType::uint8, CU_TENSOR_MAP_DATA_TYPE_UINT8);
EXPECT_SAME(TensorMapType::uint16, CU_TENSOR_MAP_DATA_TYPE_UINT16);
EXPECT_SAME(TensorMapType::uint32, CU_TENSOR_MAP_DATA_TYPE_UINT32);
EXPECT_SAME(TensorMapType::float16, CU_TENSOR_MAP_DATA_TYPE_FLOAT16);
EXPECT_SAME(TensorMapType::float32, CU_TENSOR_MAP_DATA_TYPE_FLOAT32);
EXPECT_SAME(TensorMapType::bfloat16, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16);
EXPECT_SAME(TensorMapInterleave::none, CU_TENSOR_MAP_INTERLEAVE_NONE);
EXPECT_SAME(TensorMapSwizzle::bytes32, CU_TENSOR_MAP_SWIZZLE_32B);
EXPECT_SAME(TensorMapSwizzle::bytes64, CU_TENSOR_MAP_SWIZZLE_64B);
EXPECT_SAME(TensorMapSwizzle::bytes128, CU_TENSOR_MAP_SWIZZLE_128B);
EXPECT_SAME(TensorMapL2Promotion::bytes64, CU_TENSOR_MAP_L2_PROMOTION_L2_64B);
EXPECT_SAME(TensorMapL2Promotion::bytes128, CU_TENSOR_MAP_L2_PROMOTION_L2_128B);
EXPECT_SAME(TensorMapL2Promotion::bytes256, CU_TENSOR_MAP_L2_PROMOTION_L2_256B);
EXPECT_SAME(TensorMapFill::zeros, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
static_assert(sizeof(TensorMap) == sizeof(CUtensorMap));

EXPECT_SAME_OFFSET(grid_x, gridDimX);
EXPECT_SAME_OFFSET(grid_z, gridDimZ);
EXPECT_SAME_OFFSET(block_x, blockDimX);
EXPECT_SAME_OFFSET(block_z, blockDimZ);
EXPECT_SAME_OFFSET(dynamic_smem_bytes, sharedMemBytes);
EXPECT_SAME_OFFSET(stream, hStream);
EXPECT_SAME_OFFSET(attributes, attrs);
EXPECT_SAME_OFFSET(attribute_count, numAttrs);
static_assert(sizeof(LaunchConfig) == sizeof(CUlaunchConfig));
static_assert(sizeof(LaunchAttribute) == sizeof(CUlaunchAttribute));
static_assert(alignof(LaunchAttribute) == alignof(CUlaunchAttribute));
static_assert(offsetof(LaunchAttribute, value) == offsetof(CUlaunchAttribute, value));
static_assert(sizeof(CuDevicePtr) == sizeof(CUdeviceptr) && sizeof(CuDevice) == sizeof(CUdevice));

TEST(CudaAbi, MatchesTheInstalledHeader) {
  // The compiler has checked numbers and layouts above; where the unions' members lie it can't say.
  CUlaunchAttribute theirs = {};
  auto* const ours = reinterpret_cast<LaunchAttribute*>(&theirs);
  theirs.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  theirs.value.clusterDim.x = 2;
  theirs.value.clusterDim.z = 3;
  EXPECT_EQ(ours->id, LaunchAttributeId::cluster_dimension);
  EXPECT_EQ(ours->value.cluster.x, 2u);
  EXPECT_EQ(ours->value.cluster.z, 3u);
  theirs.value.programmaticStreamSerializationAllowed = 7;
  EXPECT_EQ(ours->value.programmatic_stream_serialization_allowed, 7);
}

}  // namespace
}  // namespace thresher::gpu
#else
TEST(CudaAbi, MatchesTheInstalledHeader) {
  GTEST_SKIP() << "needs cuda.h of a CUDA toolkit to compare with";
}
#endif
