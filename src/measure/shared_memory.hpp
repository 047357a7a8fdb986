// Memory that an arbiter shares with the processes it measures, and that those cannot write where they must not.
//
// Inputs are sealed by the kernel: no descriptor, mapping or mprotect() of any process turns them writable again. That
// is stronger than a hash afterwards, which tells only that a candidate cheated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace thresher::measure {

/// A file descriptor that closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

std::size_t page_bytes();
std::size_t round_up_to_page(std::size_t bytes);

/// Anonymous memory with a descriptor to hand out, mapped for writing here until it is sealed. Its size is final.
class SharedMemory {
 public:
  /// Throws Error(out_of_memory | environment).
  explicit SharedMemory(std::size_t bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }

  /// Nobody writes it any more, this process included; bytes() stays readable.
  void seal();

  /// Nobody but this process writes it any more.
  void seal_against_others();

  /// For a receiver that may write.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// For a receiver that reads only.
  [[nodiscard]] int read_only_fd() const noexcept { return read_only_.get(); }

 private:
  void unmap() noexcept;

  std::size_t size_;
  FileDescriptor fd_;
  FileDescriptor read_only_;
  std::byte* data_ = nullptr;
};

/// A part of a file mapped between two pages that nobody may touch: reading or writing beyond it ends the process.
class GuardedMap {
 public:
  enum class Access { read, write };

  GuardedMap() = default;
  /// `at` is a multiple of the page. Throws Error(environment) when the system refuses, e.g. to write sealed memory.
  GuardedMap(int fd, std::size_t at, std::size_t bytes, Access access);
  ~GuardedMap();
  GuardedMap(GuardedMap&& other) noexcept;
  GuardedMap& operator=(GuardedMap&& other) noexcept;
  GuardedMap(const GuardedMap&) = delete;
  GuardedMap& operator=(const GuardedMap&) = delete;

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A fast fingerprint, for memory that must not have changed.
std::uint64_t fingerprint(std::span<const std::byte> bytes);

}  // namespace thresher::measure
