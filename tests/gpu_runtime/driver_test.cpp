// Everything over the driver that needs no GPU, on a fake driver: errors, lifetimes, what a launch asks for.
#include "gpu/driver.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "engine/allocation_counter.hpp"
#include "fake_driver/fake_driver.hpp"
#include "gpu/launch.hpp"
#include "thresher/error.hpp"
#include "whole_cubin.hpp"

namespace thresher::gpu {
namespace {

/// A fresh fake driver, and a check that nothing is left in it.
class FakeDriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    void* const library = dlopen(THRESHER_FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto find = reinterpret_cast<FakeDriver* (*)()>(dlsym(library, "fake_driver"));
    ASSERT_NE(find, nullptr);
    fake_ = find();
    *fake_ = FakeDriver();
  }
  void TearDown() override {
    EXPECT_EQ(fake_->depth, 0) << "contexts left current";
    EXPECT_EQ(fake_->retained, 0);
    EXPECT_EQ(fake_->allocations, 0);
    EXPECT_EQ(fake_->modules, 0);
    EXPECT_EQ(fake_->streams, 0);
    EXPECT_EQ(fake_->events, 0);
    EXPECT_EQ(fake_->graphs, 0);
    EXPECT_EQ(fake_->graph_execs, 0);
    EXPECT_FALSE(fake_->capturing);
  }

  static ContextRef context() { return PrimaryContext::open(Driver::load_from(THRESHER_FAKE_DRIVER).driver, 0); }

  FakeDriver* fake_ = nullptr;
};

std::string message_of(const std::function<void()>& call, ErrorCode code) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Driver, MissingLibraryIsAReason) {
  const DriverLoad load = Driver::load_from("libthresher-no-such-driver.so");
  EXPECT_EQ(load.driver, nullptr);
  EXPECT_EQ(load.why_not.rfind("no NVIDIA driver: libthresher-no-such-driver.so", 0), 0u) << load.why_not;
}

TEST(Driver, LibraryWithoutTheFunctionsIsAReason) {
  const DriverLoad load = Driver::load_from("libm.so.6");
  EXPECT_EQ(load.driver, nullptr);
  EXPECT_NE(load.why_not.find("lacks cuInit, "), std::string::npos) << load.why_not;
  EXPECT_NE(load.why_not.find("install a driver"), std::string::npos) << load.why_not;
}

TEST(Driver, ToolkitsStubHasEveryFunctionAndSaysThatItIsAStub) {
  const char* const stub = "/usr/local/cuda/lib64/stubs/libcuda.so";
  if (!std::filesystem::exists(stub)) GTEST_SKIP() << "needs the stub of libcuda of a CUDA toolkit";
  const DriverLoad load = Driver::load_from(stub);
  EXPECT_EQ(load.driver, nullptr);
  EXPECT_EQ(load.why_not.rfind("the NVIDIA driver does not start: cuInit: ", 0), 0u) << load.why_not;
  EXPECT_NE(load.why_not.find("(34)"), std::string::npos) << load.why_not;
}

TEST_F(FakeDriverTest, MachineWithoutAGpuIsAReason) {
  fake_->init_result = kCuNoDevice;
  EXPECT_EQ(Driver::load_from(THRESHER_FAKE_DRIVER).why_not,
            "the NVIDIA driver finds no GPU: cuInit: CUDA_ERROR_NO_DEVICE (100)");
}

TEST_F(FakeDriverTest, ListsGpusAndWhatIsUnknownOfThem) {
  fake_->devices = 2;
  const DriverLoad load = Driver::load_from(THRESHER_FAKE_DRIVER);
  ASSERT_NE(load.driver, nullptr);
  EXPECT_EQ(load.driver->version(), 12040);
  const std::vector<GpuInfo> gpus = list_gpus(*load.driver);
  ASSERT_EQ(gpus.size(), 2u);
  EXPECT_EQ(gpus[0].name, "Fake GPU");
  EXPECT_EQ(gpus[1].pci_id, "0000:02:00.0");
  EXPECT_EQ(gpus[0].clock_khz, 1000);
  EXPECT_EQ(gpus[0].memory_clock_khz, std::nullopt);
  EXPECT_EQ(gpus[0].ecc, false);
  EXPECT_EQ(why_unusable(gpus[0]), std::nullopt);
  EXPECT_EQ(why_unusable(gpus[1]), "its compute capability is 8.0, and the kernels are for 9.0 (Hopper, sm_90a)");
}

TEST_F(FakeDriverTest, GpuThatIsNotThereIsNamed) {
  const auto driver = Driver::load_from(THRESHER_FAKE_DRIVER).driver;
  EXPECT_EQ(message_of([&] { (void)PrimaryContext::open(driver, 1); }, ErrorCode::invalid_argument),
            "there is no GPU cuda:1; there is cuda:0");
  fake_->devices = 4;
  EXPECT_EQ(message_of([&] { (void)PrimaryContext::open(driver, -1); }, ErrorCode::invalid_argument),
            "there is no GPU cuda:-1; there is cuda:0 to cuda:3");
}

TEST_F(FakeDriverTest, OutOfMemorySaysWhatWasAskedForAndWhatIsFree) {
  const ContextRef gpu = context();
  const std::string message = message_of([&] { const DeviceBuffer b(gpu, 3 << 20); }, ErrorCode::out_of_memory);
  EXPECT_EQ(message.rfind("cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): words of the driver; asked for 3145728 bytes on "
                          "cuda:0 (Fake GPU), where 1048576 of 2097152 bytes are free",
                          0),
            0u)
      << message;
}

TEST_F(FakeDriverTest, BuffersCopyFillAndMove) {
  const ContextRef gpu = context();
  const Stream stream(gpu);
  DeviceBuffer first(gpu, 16);
  DeviceBuffer second;
  second = std::move(first);
  EXPECT_EQ(second.bytes(), 16u);
  EXPECT_EQ(DeviceBuffer(gpu, 0).get(), 0u);
  gpu->fill_bytes(second.get(), 7, 16);
  gpu->fill_words_async(second.get(), 0x01020304, 2, stream.get());
  const char five = 5;
  gpu->copy_to_device(second.get() + 15, &five, 1);
  unsigned char out[16] = {};
  gpu->copy_to_host_async(out, second.get(), 16, stream.get());
  EXPECT_EQ(out[0], 4);
  EXPECT_EQ(out[8], 7);
  EXPECT_EQ(out[15], 5);
  gpu->copy_to_device(0, nullptr, 0);  // nothing to copy is no call
}

TEST_F(FakeDriverTest, LaunchAsksForExactlyWhatThePlanSays) {
  const ContextRef gpu = context();
  const Stream stream(gpu);
  const Module module(gpu, whole_cubin(), "known");
  LaunchPlan plan = {.grid = {2, 3, 4}, .block = {128, 2, 1}, .dynamic_smem_bytes = 77};
  const ContextScope scope(*gpu);
  launch(module.function(), plan, stream.get(), nullptr);
  EXPECT_EQ(fake_->config.grid_x, 2u);
  EXPECT_EQ(fake_->config.grid_y, 3u);
  EXPECT_EQ(fake_->config.grid_z, 4u);
  EXPECT_EQ(fake_->config.block_x, 128u);
  EXPECT_EQ(fake_->config.block_y, 2u);
  EXPECT_EQ(fake_->config.dynamic_smem_bytes, 77u);
  EXPECT_EQ(fake_->config.stream, stream.get());
  EXPECT_EQ(fake_->config.attribute_count, 0u);

  plan.programmatic_serialization = true;
  launch(module.function(), plan, stream.get(), nullptr);
  ASSERT_EQ(fake_->config.attribute_count, 1u);
  EXPECT_EQ(fake_->attributes[0].id, LaunchAttributeId::programmatic_stream_serialization);
  EXPECT_EQ(fake_->attributes[0].value.programmatic_stream_serialization_allowed, 1);

  plan.cluster = {2, 1, 1};
  launch(module.function(), plan, stream.get(), nullptr);
  ASSERT_EQ(fake_->config.attribute_count, 2u);
  EXPECT_EQ(fake_->attributes[0].id, LaunchAttributeId::cluster_dimension);
  EXPECT_EQ(fake_->attributes[0].value.cluster.x, 2u);
  EXPECT_EQ(module.function().max_clusters(plan), 2);
  EXPECT_EQ(fake_->launches_without_context, 0);
}

TEST_F(FakeDriverTest, LaunchAllocatesNothing) {
  const ContextRef gpu = context();
  const Module module(gpu, whole_cubin(), "known");
  const Function function = module.function();
  const LaunchPlan plan = {.cluster = {2, 1, 1}, .programmatic_serialization = true};
  const ContextScope scope(*gpu);
  const std::int64_t before = testing::allocation_count();
  for (int i = 0; i < 100; ++i) {
    launch(function, plan, nullptr, nullptr);
  }
  EXPECT_EQ(testing::allocation_count(), before);
  EXPECT_EQ(fake_->launches, 100);
}

TEST_F(FakeDriverTest, FailedLaunchNamesTheKernelAndItsShape) {
  const ContextRef gpu = context();
  const Module module(gpu, whole_cubin(), "known");
  fake_->launch_result = 719;
  const ContextScope scope(*gpu);
  EXPECT_EQ(
      message_of(
          [&] {
            launch(module.function(), {.grid = {132, 1, 1}, .block = {384, 1, 1}}, nullptr, nullptr);
          },
          ErrorCode::environment),
      "cuLaunchKernelEx: CUDA_ERROR_LAUNCH_FAILED (719): words of the driver; kernel 'known', grid 132x1x1, block "
      "384x1x1, cluster 1x1x1, 0 bytes of dynamic shared memory");
}

TEST_F(FakeDriverTest, BrokenCodeNeverReachesTheDriver) {
  const ContextRef gpu = context();
  const std::string cubin = whole_cubin();
  const std::string cut = cubin.substr(0, cubin.size() - 1);
  const std::string message = message_of([&] { const Module m(gpu, cut, "known"); }, ErrorCode::unsupported);
  EXPECT_NE(message.find("cut off"), std::string::npos) << message;
  EXPECT_NE(message.find("thresher cache clear"), std::string::npos) << message;
}

TEST_F(FakeDriverTest, CodeThatTheDriverRefusesNamesTheGpu) {
  const ContextRef gpu = context();
  fake_->load_result = kCuNoBinaryForGpu;
  const std::string message = message_of([&] { const Module m(gpu, whole_cubin(), "known"); }, ErrorCode::unsupported);
  EXPECT_NE(message.find("(209)"), std::string::npos) << message;
  EXPECT_NE(message.find("Fake GPU (compute capability 9.0) with a driver for CUDA 12.4"), std::string::npos)
      << message;
}

TEST_F(FakeDriverTest, MissingKernelIsNamedAndTheModuleUnloaded) {
  const ContextRef gpu = context();
  const std::string message =
      message_of([&] { const Module m(gpu, whole_cubin(), "unknown"); }, ErrorCode::environment);
  EXPECT_NE(message.find("cuModuleGetFunction: CUDA_ERROR_NOT_FOUND (500)"), std::string::npos) << message;
  EXPECT_NE(message.find("'unknown'"), std::string::npos) << message;
}

TEST_F(FakeDriverTest, SharedMemoryBeyondTheGpuIsRefusedWithItsLimit) {
  const ContextRef gpu = context();
  const Module module(gpu, whole_cubin(), "known");
  module.function().allow_dynamic_smem(1000);
  EXPECT_EQ(fake_->dynamic_smem_allowed, 1000);
  const std::string message = message_of([&] { module.function().allow_dynamic_smem(1001); }, ErrorCode::environment);
  EXPECT_NE(message.find("asked for 1001 bytes of dynamic shared memory; a CTA has at most 1000"), std::string::npos)
      << message;
}

TEST_F(FakeDriverTest, CaptureThatThrowsLeavesTheStreamAsItWas) {
  const ContextRef gpu = context();
  const Stream stream(gpu);
  EXPECT_THROW(Graph(gpu, stream.get(), [] { throw std::runtime_error("in the middle"); }), std::runtime_error);
  EXPECT_FALSE(fake_->capturing);
  bool captured = false;
  const Graph graph(gpu, stream.get(), [&] { captured = fake_->capturing; });
  EXPECT_TRUE(captured);
  graph.launch(stream.get());
  EXPECT_EQ(fake_->graphs, 0) << "only what was made of the graph is kept";
}

TEST_F(FakeDriverTest, EventsMeasureAndOrder) {
  const ContextRef gpu = context();
  const Stream stream(gpu);
  const Event begin(gpu);
  const Event end(gpu);
  begin.record(stream.get());
  end.record(stream.get());
  end.block(stream.get());
  end.synchronize();
  EXPECT_EQ(end.milliseconds_since(begin), 1.5);
}

}  // namespace
}  // namespace thresher::gpu
