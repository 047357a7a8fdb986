// The GPU runtime on a GPU: tables against the driver, launches, graphs, and errors in words.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>

#include "gpu/compiler.hpp"
#include "gpu/launch.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

constexpr const char* kKernels = R"(
extern "C" __global__ void scale(float* p, float factor, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) p[i] *= factor;
}
extern "C" __global__ void through_shared(const int* in, int* out, int words) {
  extern __shared__ int s[];
  for (int i = threadIdx.x; i < words; i += blockDim.x) s[i] = in[i];
  __syncthreads();
  for (int i = threadIdx.x; i < words; i += blockDim.x) out[i] = s[words - 1 - i];
}
extern "C" __global__ void cluster_ranks(unsigned* out) {
  asm volatile("griddepcontrol.wait;" ::: "memory");
  unsigned rank, size;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
  if (threadIdx.x == 0) out[blockIdx.x] = size * 100 + rank;
}
extern "C" __global__ void nothing() {}
)";

// As many registers as the compiler is allowed to use.
constexpr const char* kHungry = R"(
extern "C" __global__ void hungry(float* p, int n) {
  __shared__ float s[STATIC_WORDS];
  float v[240];
#pragma unroll
  for (int i = 0; i < 240; ++i) v[i] = p[i * 32 + threadIdx.x];
  for (int k = 0; k < n; ++k) {
#pragma unroll
    for (int i = 0; i < 240; ++i) v[i] = v[i] * v[(i * 7 + 3) % 240] + p[k];
  }
#pragma unroll
  for (int i = 0; i < 240; ++i) p[i * 32 + threadIdx.x] = v[i];
  s[threadIdx.x % STATIC_WORDS] = v[0];
  __syncthreads();
  p[threadIdx.x] = s[(threadIdx.x + 1) % STATIC_WORDS];
})";

class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const DriverLoad& load = Driver::load();
    if (load.driver == nullptr) GTEST_SKIP() << "needs a Hopper GPU: " << load.why_not;
    context_ = PrimaryContext::open(load.driver, 0);
    if (const auto reason = why_unusable(context_->gpu())) GTEST_SKIP() << "needs a Hopper GPU: " << *reason;
    compiler_ = std::make_unique<Compiler>(Nvrtc::load(nvrtc_search(device::read_environment())), std::nullopt);
    if (compiler_->nvrtc().nvrtc == nullptr) GTEST_SKIP() << "needs NVRTC: " << compiler_->nvrtc().why_not;
  }

  [[nodiscard]] CompiledKernel compile(const std::string& name, const std::string& source = kKernels,
                                       const std::vector<std::string>& more_options = {},
                                       const std::string& arch = "sm_90a") const {
    KernelSource kernel;
    kernel.name = name;
    kernel.source = source;
    kernel.arch = arch;
    kernel.options.insert(kernel.options.end(), more_options.begin(), more_options.end());
    auto outcome = compiler_->compile(kernel);
    if (auto* const failure = std::get_if<CompileFailure>(&outcome)) {
      throw std::runtime_error(failure->reason + "\n" + failure->log);
    }
    return std::get<CompiledKernel>(std::move(outcome));
  }

  template <typename T>
  [[nodiscard]] std::vector<T> read(const DeviceBuffer& buffer) const {
    std::vector<T> values(buffer.bytes() / sizeof(T));
    context_->copy_to_host(values.data(), buffer.get(), buffer.bytes());
    return values;
  }

  template <typename T>
  [[nodiscard]] DeviceBuffer upload(const std::vector<T>& values) const {
    DeviceBuffer buffer(context_, values.size() * sizeof(T));
    context_->copy_to_device(buffer.get(), values.data(), buffer.bytes());
    return buffer;
  }

  ContextRef context_;
  std::unique_ptr<Compiler> compiler_;
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

TEST_F(GpuTest, EvidenceAndOccupancyTablesAgreeWithTheDriver) {
  const SmLimits limits = *sm_limits(9, 0);
  EXPECT_EQ(static_cast<std::size_t>(limits.smem_bytes), context_->gpu().smem_bytes_per_multiprocessor);
  EXPECT_EQ(static_cast<std::size_t>(limits.max_smem_bytes_per_cta), context_->gpu().max_smem_bytes_per_block);
  int compared = 0;
  for (const int registers : {24, 32, 40, 56, 64, 72, 96, 128, 168, 200, 232, 255}) {
    const int static_words = registers % 3 == 0 ? 1000 : 33;
    const CompiledKernel kernel =
        compile("hungry", kHungry,
                {"--maxrregcount=" + std::to_string(registers), "-DSTATIC_WORDS=" + std::to_string(static_words)});
    const Module module(context_, kernel.cubin, "hungry");
    const Function function = module.function();
    EXPECT_EQ(function.attribute(FunctionAttribute::registers), kernel.evidence.registers) << kernel.log;
    EXPECT_EQ(function.attribute(FunctionAttribute::static_smem_bytes), kernel.evidence.static_smem_bytes);
    EXPECT_EQ(function.attribute(FunctionAttribute::local_bytes) > 0, kernel.evidence.uses_local_memory());
    const std::int64_t most = limits.max_smem_bytes_per_cta - kernel.evidence.static_smem_bytes;
    function.allow_dynamic_smem(static_cast<unsigned>(most));
    for (int threads = 32; threads <= 1024; threads += 32) {
      for (const std::int64_t dynamic : {std::int64_t{0}, std::int64_t{1}, std::int64_t{7'000}, std::int64_t{28'000},
                                         std::int64_t{56'064}, std::int64_t{75'000}, std::int64_t{113'000}, most}) {
        // A CTA that can't start at all is 0 for us, and for the driver 0 or an invalid value.
        int blocks = 0;
        const ContextScope scope(*context_);
        const CuResult result = context_->driver().api().cuOccupancyMaxActiveBlocksPerMultiprocessor(
            &blocks, function.get(), threads, static_cast<std::size_t>(dynamic));
        if (result != kCuSuccess) blocks = 0;
        const Occupancy ours = occupancy(limits, {.registers_per_thread = kernel.evidence.registers,
                                                  .threads = threads,
                                                  .smem_bytes = kernel.evidence.static_smem_bytes + dynamic});
        ASSERT_EQ(ours.ctas_per_sm, blocks)
            << kernel.evidence.registers << " registers, " << threads << " threads, "
            << kernel.evidence.static_smem_bytes << " + " << dynamic << " bytes; limited by " << ours.limited_by
            << "; the driver answered " << context_->driver().describe(result);
        ++compared;
      }
    }
  }
  EXPECT_EQ(compared, 12 * 32 * 8);
}

TEST_F(GpuTest, LaunchPassesArgumentsAndShape) {
  const CompiledKernel kernel = compile("scale");
  const Module module(context_, kernel.cubin, "scale");
  const Stream stream(context_);
  int count = 1000;
  std::vector<float> values(static_cast<std::size_t>(count) + 24);
  std::iota(values.begin(), values.end(), 0.0F);
  const DeviceBuffer buffer = upload(values);
  CuDevicePtr pointer = buffer.get();
  float factor = 3;
  void* parameters[] = {&pointer, &factor, &count};
  const ContextScope scope(*context_);
  launch(module.function(), {.grid = {8, 1, 1}, .block = {128, 1, 1}}, stream.get(), parameters);
  stream.synchronize();
  const std::vector<float> scaled = read<float>(buffer);
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    ASSERT_EQ(scaled[i], i < 1000 ? 3 * values[i] : values[i]) << i;
  }
}

TEST_F(GpuTest, AllSharedMemoryOfACtaCanBeUsed) {
  const CompiledKernel kernel = compile("through_shared");
  const Module module(context_, kernel.cubin, "through_shared");
  const Stream stream(context_);
  const unsigned bytes = 227 * 1024;
  module.function().allow_dynamic_smem(bytes);
  std::vector<int> values(bytes / sizeof(int));
  std::iota(values.begin(), values.end(), 0);
  const DeviceBuffer in = upload(values);
  const DeviceBuffer out(context_, bytes);
  CuDevicePtr from = in.get();
  CuDevicePtr to = out.get();
  int words = static_cast<int>(values.size());
  void* parameters[] = {&from, &to, &words};
  const ContextScope scope(*context_);
  launch(module.function(), {.block = {256, 1, 1}, .dynamic_smem_bytes = bytes}, stream.get(), parameters);
  stream.synchronize();
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(read<int>(out), values);
  const std::string message =
      message_of([&] { module.function().allow_dynamic_smem(bytes + 1); }, ErrorCode::environment);
  EXPECT_NE(message.find("at most 232448"), std::string::npos) << message;
}

TEST_F(GpuTest, ClustersAndProgrammaticSerializationReachTheKernel) {
  const CompiledKernel kernel = compile("cluster_ranks");
  const Module module(context_, kernel.cubin, "cluster_ranks");
  const Stream stream(context_);
  const DeviceBuffer out(context_, 8 * sizeof(unsigned));
  CuDevicePtr to = out.get();
  void* parameters[] = {&to};
  const LaunchPlan plan = {
      .grid = {8, 1, 1}, .block = {32, 1, 1}, .cluster = {4, 1, 1}, .programmatic_serialization = true};
  EXPECT_GT(module.function().max_clusters(plan), 0);
  const ContextScope scope(*context_);
  launch(module.function(), plan, stream.get(), parameters);
  launch(module.function(), plan, stream.get(), parameters);
  stream.synchronize();
  EXPECT_EQ(read<unsigned>(out), (std::vector<unsigned>{400, 401, 402, 403, 400, 401, 402, 403}));
}

TEST_F(GpuTest, GraphRunsWhatWasCapturedOverWhatIsThereThen) {
  const CompiledKernel kernel = compile("scale");
  const Module module(context_, kernel.cubin, "scale");
  const Stream stream(context_);
  const DeviceBuffer buffer = upload(std::vector<float>{1});
  CuDevicePtr pointer = buffer.get();
  float factor = 2;
  int count = 1;
  void* parameters[] = {&pointer, &factor, &count};
  const LaunchPlan plan = {.block = {32, 1, 1}};
  const Graph graph(context_, stream.get(), [&] {
    launch(module.function(), plan, stream.get(), parameters);
    factor = 5;
    launch(module.function(), plan, stream.get(), parameters);
  });
  EXPECT_EQ(read<float>(buffer), std::vector<float>{1}) << "capturing runs nothing";
  graph.launch(stream.get());
  graph.launch(stream.get());
  stream.synchronize();
  EXPECT_EQ(read<float>(buffer), std::vector<float>{100});
  const float three = 3;
  context_->copy_to_device(buffer.get(), &three, sizeof(three));
  graph.launch(stream.get());
  stream.synchronize();
  EXPECT_EQ(read<float>(buffer), std::vector<float>{30});
}

TEST_F(GpuTest, EventsOrderStreamsAndMeasure) {
  const Stream first(context_);
  const Stream second(context_);
  const DeviceBuffer buffer(context_, 256 << 20);
  const Event begin(context_);
  const Event end(context_);
  begin.record(first.get());
  for (unsigned char value = 0; value < 20; ++value) {
    context_->fill_bytes_async(buffer.get(), value, buffer.bytes(), first.get());
  }
  end.record(first.get());
  end.block(second.get());
  unsigned char last = 0;
  context_->copy_to_host_async(&last, buffer.get() + buffer.bytes() - 1, 1, second.get());
  second.synchronize();
  EXPECT_EQ(last, 19);
  EXPECT_GT(end.milliseconds_since(begin), 0.0);
}

TEST_F(GpuTest, OutOfMemorySaysWhatWasAskedForAndWhatIsFree) {
  const std::string message =
      message_of([&] { const DeviceBuffer b(context_, std::size_t{1} << 50); }, ErrorCode::out_of_memory);
  EXPECT_EQ(message.rfind("cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): ", 0), 0u) << message;
  EXPECT_NE(message.find("asked for 1125899906842624 bytes on cuda:0"), std::string::npos) << message;
  EXPECT_NE(message.find("bytes are free"), std::string::npos) << message;
  const DeviceBuffer small(context_, 1024);
  EXPECT_NE(small.get(), 0u) << "the context goes on";
}

TEST_F(GpuTest, CorruptAndForeignCodeIsRefusedInWords) {
  const CompiledKernel kernel = compile("scale");
  const auto loading = [&](const std::string& cubin) {
    return message_of([&] { const Module m(context_, cubin, "scale"); }, ErrorCode::unsupported);
  };
  EXPECT_NE(loading(kernel.cubin.substr(0, kernel.cubin.size() / 2)).find("cut off"), std::string::npos);
  EXPECT_NE(loading("no cubin at all").find("too short"), std::string::npos);
  const std::string foreign =
      loading(compile("nothing", "extern \"C\" __global__ void nothing() {}", {}, "sm_100a").cubin);
  EXPECT_EQ(foreign.rfind("cuModuleLoadData: CUDA_ERROR_", 0), 0u) << foreign;
  EXPECT_NE(foreign.find("compute capability 9.0"), std::string::npos) << foreign;
  const std::string unknown =
      message_of([&] { const Module m(context_, kernel.cubin, "no_such_kernel"); }, ErrorCode::environment);
  EXPECT_EQ(unknown.rfind("cuModuleGetFunction: CUDA_ERROR_NOT_FOUND (500)", 0), 0u) << unknown;
}

TEST_F(GpuTest, LaunchThatCantBeNamesTheKernelAndItsShape) {
  const CompiledKernel kernel = compile("nothing");
  const Module module(context_, kernel.cubin, "nothing");
  const Stream stream(context_);
  const ContextScope scope(*context_);
  const std::string message = message_of(
      [&] {
        launch(module.function(), {.block = {2048, 1, 1}}, stream.get(), nullptr);
      },
      ErrorCode::environment);
  EXPECT_EQ(message.rfind("cuLaunchKernelEx: CUDA_ERROR_INVALID_VALUE (1)", 0), 0u) << message;
  EXPECT_NE(message.find("kernel 'nothing', grid 1x1x1, block 2048x1x1"), std::string::npos) << message;
  launch(module.function(), {.block = {32, 1, 1}}, stream.get(), nullptr);
  stream.synchronize();
}

TEST_F(GpuTest, LaunchingCostsTheHostMicroseconds) {
  const CompiledKernel kernel = compile("nothing");
  const Module module(context_, kernel.cubin, "nothing");
  const Stream stream(context_);
  const ContextScope scope(*context_);
  std::vector<double> microseconds;
  for (int round = 0; round < 50; ++round) {
    constexpr int kLaunches = 20;  // few enough to fit the queue: a full one would make the host wait
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kLaunches; ++i) {
      launch(module.function(), {.block = {32, 1, 1}, .programmatic_serialization = true}, stream.get(), nullptr);
    }
    const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
    microseconds.push_back(spent.count() / kLaunches);
    stream.synchronize();
  }
  std::nth_element(microseconds.begin(), microseconds.begin() + 25, microseconds.end());
  RecordProperty("median_host_microseconds_per_launch", std::to_string(microseconds[25]));
  EXPECT_LT(microseconds[25], 10.0);
}

TEST_F(GpuTest, TensorMapsAreEncoded) {
  const ContextScope scope(*context_);
  const DeviceBuffer buffer(context_, 256 * 512 * 2);
  TensorMap map = {};
  const std::uint64_t sizes[] = {512, 256};
  const std::uint64_t strides[] = {512 * 2};
  const std::uint32_t box[] = {64, 128};
  const std::uint32_t steps[] = {1, 1};
  const CuResult result = context_->driver().api().cuTensorMapEncodeTiled(
      &map, TensorMapType::float16, 2, reinterpret_cast<void*>(buffer.get()), sizes, strides, box, steps,
      TensorMapInterleave::none, TensorMapSwizzle::bytes128, TensorMapL2Promotion::bytes256, TensorMapFill::zeros);
  EXPECT_EQ(result, kCuSuccess) << context_->driver().describe(result);
}

TEST_F(GpuTest, MemoryComesBack) {
  const std::size_t before = context_->free_bytes();
  for (int i = 0; i < 20; ++i) {
    const DeviceBuffer buffer(context_, std::size_t{1} << 30);
    ASSERT_NE(buffer.get(), 0u);
  }
  // Other programs may use the GPU too: 20 GiB they do not take.
  EXPECT_GT(context_->free_bytes() + (std::size_t{10} << 30), before);
}

}  // namespace
}  // namespace thresher::gpu
