// Contexts, memory, streams and events over the driver's functions.
#include "gpu/context.hpp"

#include <string>
#include <utility>

#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

std::string on_gpu(const GpuInfo& gpu) {
  return "cuda:" + std::to_string(gpu.ordinal) + " (" + gpu.name + ")";
}

// What a copy or a fill was doing, made only when it failed.
template <typename Call>
void checked(const Driver& driver, const char* name, std::size_t bytes, const Call& call) {
  if (bytes == 0) return;
  const CuResult result = call();
  if (result != kCuSuccess) driver.fail(result, name, std::to_string(bytes) + " bytes");
}

}  // namespace

ContextRef PrimaryContext::open(std::shared_ptr<const Driver> driver, int ordinal) {
  std::vector<GpuInfo> gpus = list_gpus(*driver);
  if (ordinal < 0 || static_cast<std::size_t>(ordinal) >= gpus.size()) {
    const std::string range = gpus.empty()       ? "none"
                              : gpus.size() == 1 ? "cuda:0"
                                                 : "cuda:0 to cuda:" + std::to_string(gpus.size() - 1);
    throw Error(ErrorCode::invalid_argument, "there is no GPU cuda:" + std::to_string(ordinal) + "; there is " + range);
  }
  GpuInfo gpu = std::move(gpus[static_cast<std::size_t>(ordinal)]);
  return ContextRef(new PrimaryContext(std::move(driver), std::move(gpu)));
}

PrimaryContext::PrimaryContext(std::shared_ptr<const Driver> driver, GpuInfo gpu)
    : driver_(std::move(driver)), gpu_(std::move(gpu)) {
  driver_->check(driver_->api().cuDeviceGet(&device_, gpu_.ordinal), "cuDeviceGet", on_gpu(gpu_));
  driver_->check(driver_->api().cuDevicePrimaryCtxRetain(&context_, device_), "cuDevicePrimaryCtxRetain", on_gpu(gpu_));
}

PrimaryContext::~PrimaryContext() {
  driver_->api().cuDevicePrimaryCtxRelease(device_);
}

void PrimaryContext::synchronize() const {
  const ContextScope scope(*this);
  driver_->check(driver_->api().cuCtxSynchronize(), "cuCtxSynchronize");
}

std::size_t PrimaryContext::free_bytes() const {
  const ContextScope scope(*this);
  std::size_t free = 0;
  std::size_t total = 0;
  driver_->check(driver_->api().cuMemGetInfo(&free, &total), "cuMemGetInfo");
  return free;
}

void PrimaryContext::copy_to_device(CuDevicePtr to, const void* from, std::size_t bytes) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemcpyHtoD", bytes, [&] { return driver_->api().cuMemcpyHtoD(to, from, bytes); });
  // NOTE: small copies return before they are done, and our streams do not wait for the default stream.
  checked(*driver_, "cuStreamSynchronize", bytes, [&] { return driver_->api().cuStreamSynchronize(nullptr); });
}

void PrimaryContext::copy_to_host(void* to, CuDevicePtr from, std::size_t bytes) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemcpyDtoH", bytes, [&] { return driver_->api().cuMemcpyDtoH(to, from, bytes); });
}

void PrimaryContext::copy_to_device_async(CuDevicePtr to, const void* from, std::size_t bytes, CuStream stream) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemcpyHtoDAsync", bytes,
          [&] { return driver_->api().cuMemcpyHtoDAsync(to, from, bytes, stream); });
}

void PrimaryContext::copy_to_host_async(void* to, CuDevicePtr from, std::size_t bytes, CuStream stream) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemcpyDtoHAsync", bytes,
          [&] { return driver_->api().cuMemcpyDtoHAsync(to, from, bytes, stream); });
}

void PrimaryContext::copy_on_device_async(CuDevicePtr to, CuDevicePtr from, std::size_t bytes, CuStream stream) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemcpyDtoDAsync", bytes,
          [&] { return driver_->api().cuMemcpyDtoDAsync(to, from, bytes, stream); });
}

void PrimaryContext::fill_bytes(CuDevicePtr to, unsigned char value, std::size_t bytes) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemsetD8", bytes, [&] { return driver_->api().cuMemsetD8(to, value, bytes); });
  // NOTE: the fill returns before it is done, and our streams do not wait for the default stream.
  checked(*driver_, "cuStreamSynchronize", bytes, [&] { return driver_->api().cuStreamSynchronize(nullptr); });
}

void PrimaryContext::fill_bytes_async(CuDevicePtr to, unsigned char value, std::size_t bytes, CuStream stream) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemsetD8Async", bytes, [&] { return driver_->api().cuMemsetD8Async(to, value, bytes, stream); });
}

void PrimaryContext::fill_words_async(CuDevicePtr to, unsigned value, std::size_t words, CuStream stream) const {
  const ContextScope scope(*this);
  checked(*driver_, "cuMemsetD32Async", words * sizeof(unsigned),
          [&] { return driver_->api().cuMemsetD32Async(to, value, words, stream); });
}

ContextScope::ContextScope(const PrimaryContext& context) : driver_(context.driver()) {
  driver_.check(driver_.api().cuCtxPushCurrent(context.handle()), "cuCtxPushCurrent");
}

ContextScope::~ContextScope() {
  CuContext popped = nullptr;
  driver_.api().cuCtxPopCurrent(&popped);
}

DeviceBuffer::DeviceBuffer(ContextRef context, std::size_t bytes) : context_(std::move(context)), bytes_(bytes) {
  if (bytes_ == 0) return;
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  const CuResult result = driver.api().cuMemAlloc(&pointer_, bytes_);
  if (result == kCuSuccess) return;
  std::size_t free = 0;
  std::size_t total = 0;
  const bool known = driver.api().cuMemGetInfo(&free, &total) == kCuSuccess;
  driver.fail(
      result, "cuMemAlloc",
      "asked for " + std::to_string(bytes_) + " bytes on " + on_gpu(context_->gpu()) +
          (known ? ", where " + std::to_string(free) + " of " + std::to_string(total) + " bytes are free" : "") +
          ": end other users of the GPU, or give a smaller problem");
}

DeviceBuffer::~DeviceBuffer() {
  if (pointer_ == 0) return;
  const DriverApi& api = context_->driver().api();
  // NOTE: a scope that throws has no place in a destructor; memory of a broken context is gone anyway.
  if (api.cuCtxPushCurrent(context_->handle()) != kCuSuccess) return;
  api.cuMemFree(pointer_);
  CuContext popped = nullptr;
  api.cuCtxPopCurrent(&popped);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer&& other) noexcept
    : context_(std::move(other.context_)),
      pointer_(std::exchange(other.pointer_, 0)),
      bytes_(std::exchange(other.bytes_, 0)) {}

DeviceBuffer& DeviceBuffer::operator=(DeviceBuffer&& other) noexcept {
  std::swap(context_, other.context_);
  std::swap(pointer_, other.pointer_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Stream::Stream(ContextRef context) : context_(std::move(context)) {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuStreamCreate(&stream_, kCuStreamNonBlocking), "cuStreamCreate");
}

// A stream is destroyed in its own context, whatever is current.
Stream::~Stream() {
  context_->driver().api().cuStreamDestroy(stream_);
}

void Stream::synchronize() const {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuStreamSynchronize(stream_), "cuStreamSynchronize");
}

Event::Event(ContextRef context, Timing timing) : context_(std::move(context)) {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  const unsigned flags = timing == Timing::on ? kCuEventDefault : kCuEventDisableTiming;
  driver.check(driver.api().cuEventCreate(&event_, flags), "cuEventCreate");
}

Event::~Event() {
  context_->driver().api().cuEventDestroy(event_);
}

void Event::record(CuStream stream) const {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuEventRecord(event_, stream), "cuEventRecord");
}

void Event::synchronize() const {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuEventSynchronize(event_), "cuEventSynchronize");
}

void Event::block(CuStream stream) const {
  const ContextScope scope(*context_);
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuStreamWaitEvent(stream, event_, 0), "cuStreamWaitEvent");
}

double Event::milliseconds_since(const Event& begin) const {
  float milliseconds = 0;
  const Driver& driver = context_->driver();
  driver.check(driver.api().cuEventElapsedTime(&milliseconds, begin.event_, event_), "cuEventElapsedTime");
  return static_cast<double>(milliseconds);
}

}  // namespace thresher::gpu
