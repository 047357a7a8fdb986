// memfd_create, its seals, and mappings with guard pages.
#include "measure/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "format/random.hpp"
#include "thresher/error.hpp"

// Older C libraries know the call but not this seal (Linux 5.1).
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace thresher::measure {
namespace {

[[noreturn]] void refuse(ErrorCode code, const std::string& what, const std::string& way_out) {
  throw Error(code, what + ": " + std::strerror(errno) + "; " + way_out);
}

constexpr const char* kNeedsLinux = "races need Linux 5.1 or newer";

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t round_up_to_page(std::size_t bytes) {
  return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

SharedMemory::SharedMemory(std::size_t bytes)
    : size_(round_up_to_page(std::max<std::size_t>(bytes, 1))),
      fd_(memfd_create("thresher", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (!fd_.valid()) refuse(ErrorCode::environment, "cannot make shared memory", kNeedsLinux);
  const std::string size = std::to_string(size_) + " bytes of shared memory";
  if (ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
    refuse(ErrorCode::out_of_memory, "cannot take " + size, "choose smaller cases or free memory");
  }
  void* data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (data == MAP_FAILED) refuse(ErrorCode::out_of_memory, "cannot map " + size, "choose smaller cases or free memory");
  data_ = static_cast<std::byte*>(data);
  const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
  read_only_ = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // A receiver that shrinks the file would end this process with SIGBUS.
  if (!read_only_.valid() || fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    unmap();
    refuse(ErrorCode::environment, "cannot fix the size of shared memory", kNeedsLinux);
  }
}

SharedMemory::~SharedMemory() {
  unmap();
}

void SharedMemory::unmap() noexcept {
  if (data_ != nullptr) munmap(data_, size_);
  data_ = nullptr;
}

void SharedMemory::seal() {
  unmap();  // the kernel refuses to seal what is mapped for writing
  if (fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    refuse(ErrorCode::environment, "cannot seal shared memory", kNeedsLinux);
  }
  void* data = mmap(nullptr, size_, PROT_READ, MAP_SHARED, read_only_.get(), 0);
  if (data == MAP_FAILED) refuse(ErrorCode::environment, "cannot map sealed memory", kNeedsLinux);
  data_ = static_cast<std::byte*>(data);
}

void SharedMemory::seal_against_others() {
  if (fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
    refuse(ErrorCode::environment, "cannot seal shared memory", kNeedsLinux);
  }
}

GuardedMap::GuardedMap(int fd, std::size_t at, std::size_t bytes, Access access) : size_(round_up_to_page(bytes)) {
  const std::size_t page = page_bytes();
  const int reserve = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* all = mmap(nullptr, size_ + 2 * page, PROT_NONE, reserve, -1, 0);
  if (all == MAP_FAILED) {
    refuse(ErrorCode::environment, "cannot reserve " + std::to_string(size_) + " bytes", "free memory");
  }
  auto* inside = static_cast<std::byte*>(all) + page;
  const int protection = access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
  // Populated now, so that no timed call pays for filling page tables.
  const int flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
  if (size_ > 0 && mmap(inside, size_, protection, flags, fd, static_cast<off_t>(at)) == MAP_FAILED) {
    const int reason = errno;
    munmap(all, size_ + 2 * page);
    errno = reason;
    refuse(ErrorCode::environment, "cannot map " + std::to_string(size_) + " bytes of shared memory",
           access == Access::write ? "inputs can be read only" : kNeedsLinux);
  }
  data_ = inside;
}

GuardedMap::~GuardedMap() {
  if (data_ != nullptr) munmap(data_ - page_bytes(), size_ + 2 * page_bytes());
}

GuardedMap::GuardedMap(GuardedMap&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

GuardedMap& GuardedMap::operator=(GuardedMap&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

std::uint64_t fingerprint(std::span<const std::byte> bytes) {
  // Four independent chains, so that the multiplications of one hide behind the others.
  constexpr std::size_t kLanes = 4;
  std::uint64_t lanes[kLanes] = {1, 2, 3, 4};
  const std::size_t blocks = bytes.size() / (8 * kLanes);
  for (std::size_t block = 0; block < blocks; ++block) {
    std::uint64_t words[kLanes];
    std::memcpy(words, bytes.data() + block * 8 * kLanes, sizeof(words));
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = (lanes[lane] ^ words[lane]) * 0x9E3779B97F4A7C15ull;
      lanes[lane] ^= lanes[lane] >> 29;
    }
  }
  std::uint64_t hash = mix64(bytes.size());
  for (std::size_t at = blocks * 8 * kLanes; at < bytes.size(); ++at) {
    hash = mix64(hash ^ static_cast<std::uint64_t>(bytes[at]));
  }
  for (const std::uint64_t lane : lanes)
    hash = mix64(hash ^ lane);
  return hash;
}

}  // namespace thresher::measure
