// Times copies and cuBLAS products by events.
#include "measure/gpu_ceilings.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "device/utc_time.hpp"
#include "format/half.hpp"
#include "format/random.hpp"
#include "measure/cublas.hpp"
#include "measure/statistics.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

constexpr std::size_t kCopyBytes = std::size_t{4} << 30;  // far more than any cache, some 2 ms a copy
constexpr int kWarmUps = 3;
constexpr int kPasses = 10;
constexpr int kMatrixSize = 8192;  // 1.1 TFLOP: many waves of tiles, a millisecond or two

// The median seconds of one `run`, which puts its work into the stream.
double median_seconds(const gpu::ContextRef& context, const gpu::Stream& stream, const std::function<void()>& run) {
  const gpu::Event begin(context);
  const gpu::Event end(context);
  std::vector<double> seconds;
  for (int pass = 0; pass < kWarmUps + kPasses; ++pass) {
    begin.record(stream.get());
    run();
    end.record(stream.get());
    end.synchronize();
    if (pass >= kWarmUps) seconds.push_back(end.milliseconds_since(begin) * 1e-3);
  }
  const double median = *measure::median(seconds);
  if (!(median > 0.0)) throw Error(ErrorCode::internal, "the events of the GPU measured no time");
  return median;
}

// Normally distributed fp16: a block of random ones, repeated. Zeros would draw less power and show higher clocks.
void fill_random(const gpu::ContextRef& context, const gpu::DeviceBuffer& buffer, std::uint64_t seed) {
  constexpr std::size_t kBlock = std::size_t{1} << 22;
  Random random(seed);
  std::vector<std::uint16_t> values(std::min(kBlock, buffer.bytes() / sizeof(std::uint16_t)));
  for (std::uint16_t& value : values)
    value = fp16_from_float(random.normal());
  const std::size_t bytes = values.size() * sizeof(std::uint16_t);
  context->copy_to_device(buffer.get(), values.data(), bytes);
  for (std::size_t at = bytes; at < buffer.bytes(); at += bytes) {
    context->copy_on_device_async(buffer.get() + at, buffer.get(), std::min(bytes, buffer.bytes() - at), nullptr);
  }
  context->synchronize();
}

void measure_rate(const gpu::ContextRef& context, const Cublas& cublas, const gpu::Stream& stream,
                  GpuCeilings& ceilings) {
  constexpr std::size_t kBytes = std::size_t{kMatrixSize} * kMatrixSize * sizeof(std::uint16_t);
  const gpu::DeviceBuffer a(context, kBytes);
  const gpu::DeviceBuffer b(context, kBytes);
  const gpu::DeviceBuffer c(context, kBytes);
  fill_random(context, a, 1);
  fill_random(context, b, 2);
  const double seconds =
      median_seconds(context, stream, [&] { cublas.multiply(a.get(), b.get(), c.get(), kMatrixSize); });
  constexpr double kSize = kMatrixSize;
  ceilings.matrix_flops_per_second = 2.0 * kSize * kSize * kSize / seconds;
  ceilings.matrix_library = cublas.library();
}

// A machine without a cuBLAS that works still has a bandwidth.
void measure_rate_if_possible(const gpu::ContextRef& context, const device::Environment& environment,
                              GpuCeilings& ceilings) {
  const gpu::Stream stream(context);
  try {
    const CublasLoad load = Cublas::load(context, stream, cublas_candidates(environment));
    if (load.cublas != nullptr) measure_rate(context, *load.cublas, stream, ceilings);
    ceilings.why_no_rate = load.why_not;
  } catch (const Error& error) {
    ceilings.why_no_rate = error.what();
  }
}

}  // namespace

double measure_copy_bandwidth(const gpu::ContextRef& context, std::size_t bytes) {
  const gpu::Stream stream(context);
  const gpu::DeviceBuffer from(context, bytes);
  const gpu::DeviceBuffer to(context, bytes);
  fill_random(context, from, 3);
  const double seconds = median_seconds(
      context, stream, [&] { context->copy_on_device_async(to.get(), from.get(), bytes, stream.get()); });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

GpuCeilings measure_gpu_ceilings(const gpu::ContextRef& context, const device::Environment& environment,
                                 const std::function<void(const std::string& step)>& progress) {
  const auto tell = [&](const char* step) {
    if (progress) progress(step);
  };
  GpuCeilings ceilings;
  ceilings.measured_at = device::utc_time();
  tell("measuring the copy bandwidth");
  ceilings.copy_bytes_per_second = measure_copy_bandwidth(context, kCopyBytes);
  tell("measuring the matrix rate");
  measure_rate_if_possible(context, environment, ceilings);
  return ceilings;
}

}  // namespace thresher::measure
