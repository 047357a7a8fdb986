// A GPU's primary context and what lives in it: memory, streams, events.
//
// Each call makes the context current for itself and puts back what was current before, so that it works on any thread
// and beside any other user of the GPU. Objects keep their context alive.
#pragma once

#include <cstddef>
#include <memory>

#include "gpu/driver.hpp"

namespace thresher::gpu {

/// The context that this process shares with every other user of the CUDA runtime on a GPU.
class PrimaryContext {
 public:
  /// Throws Error when there is no such GPU, naming those that exist.
  static std::shared_ptr<const PrimaryContext> open(std::shared_ptr<const Driver> driver, int ordinal);
  ~PrimaryContext();
  PrimaryContext(const PrimaryContext&) = delete;
  PrimaryContext& operator=(const PrimaryContext&) = delete;

  [[nodiscard]] const Driver& driver() const { return *driver_; }
  [[nodiscard]] const GpuInfo& gpu() const { return gpu_; }
  [[nodiscard]] CuContext handle() const { return context_; }

  /// Waits for everything that was started in the context. Throws the error of a kernel that failed.
  void synchronize() const;
  [[nodiscard]] std::size_t free_bytes() const;

  // Between pointers of this context and of the host. The asynchronous ones need page-locked host memory to overlap.
  void copy_to_device(CuDevicePtr to, const void* from, std::size_t bytes) const;
  void copy_to_host(void* to, CuDevicePtr from, std::size_t bytes) const;
  void copy_to_device_async(CuDevicePtr to, const void* from, std::size_t bytes, CuStream stream) const;
  void copy_to_host_async(void* to, CuDevicePtr from, std::size_t bytes, CuStream stream) const;
  void copy_on_device_async(CuDevicePtr to, CuDevicePtr from, std::size_t bytes, CuStream stream) const;
  void fill_bytes(CuDevicePtr to, unsigned char value, std::size_t bytes) const;
  void fill_bytes_async(CuDevicePtr to, unsigned char value, std::size_t bytes, CuStream stream) const;
  void fill_words_async(CuDevicePtr to, unsigned value, std::size_t words, CuStream stream) const;

 private:
  PrimaryContext(std::shared_ptr<const Driver> driver, GpuInfo gpu);

  std::shared_ptr<const Driver> driver_;
  GpuInfo gpu_;
  CuDevice device_ = 0;
  CuContext context_ = nullptr;
};

using ContextRef = std::shared_ptr<const PrimaryContext>;

/// Makes a context current on this thread until the end of the scope.
class ContextScope {
 public:
  explicit ContextScope(const PrimaryContext& context);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  const Driver& driver_;
};

/// Device memory. No bytes is no allocation.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  /// Throws Error(out_of_memory) with the bytes asked for and the bytes that are free.
  DeviceBuffer(ContextRef context, std::size_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(DeviceBuffer&& other) noexcept;
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept;
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  [[nodiscard]] CuDevicePtr get() const { return pointer_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  ContextRef context_;
  CuDevicePtr pointer_ = 0;
  std::size_t bytes_ = 0;
};

/// A stream that does not wait for the default stream.
class Stream {
 public:
  explicit Stream(ContextRef context);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] CuStream get() const { return stream_; }
  /// Throws the error of a kernel that failed.
  void synchronize() const;

 private:
  ContextRef context_;
  CuStream stream_ = nullptr;
};

class Event {
 public:
  enum class Timing : int { on, off };

  explicit Event(ContextRef context, Timing timing = Timing::on);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  [[nodiscard]] CuEvent get() const { return event_; }
  void record(CuStream stream) const;
  void synchronize() const;
  /// Makes what comes next in `stream` wait for this event.
  void block(CuStream stream) const;
  /// From `begin` to this event; both recorded with timing, both reached.
  [[nodiscard]] double milliseconds_since(const Event& begin) const;

 private:
  ContextRef context_;
  CuEvent event_ = nullptr;
};

}  // namespace thresher::gpu
