// Sealed memory: what other mappings, and this process, can no longer do.
#include "measure/shared_memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

TEST(SharedMemory, SealedBytesStayReadableAndNobodyMapsThemForWriting) {
  SharedMemory memory(100);
  memory.bytes()[7] = std::byte{42};
  memory.seal();
  EXPECT_EQ(memory.bytes()[7], std::byte{42});
  EXPECT_EQ(mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd(), 0), MAP_FAILED);
  const char byte = 1;
  EXPECT_EQ(pwrite(memory.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SharedMemory, SealedAgainstOthersItsOwnerStillWrites) {
  SharedMemory memory(100);
  memory.seal_against_others();
  const GuardedMap reader(memory.read_only_fd(), 0, 100, GuardedMap::Access::read);
  memory.bytes()[3] = std::byte{9};
  EXPECT_EQ(reader.data()[3], std::byte{9});
  EXPECT_THROW(GuardedMap(memory.read_only_fd(), 0, 100, GuardedMap::Access::write), Error);
  EXPECT_THROW(GuardedMap(memory.fd(), 0, 100, GuardedMap::Access::write), Error);
  EXPECT_EQ(mprotect(reader.data(), reader.size(), PROT_READ | PROT_WRITE), -1);
  // Opened anew by its number, as a candidate could.
  const std::string path = "/proc/self/fd/" + std::to_string(memory.read_only_fd());
  const FileDescriptor again(open(path.c_str(), O_RDWR | O_CLOEXEC));
  const char byte = 1;
  EXPECT_TRUE(!again.valid() || pwrite(again.get(), &byte, 1, 0) == -1);
}

TEST(SharedMemory, NobodyChangesItsSize) {
  SharedMemory memory(100);
  EXPECT_EQ(ftruncate(memory.fd(), 0), -1);
  EXPECT_EQ(ftruncate(memory.fd(), 1 << 20), -1);
}

TEST(GuardedMapDeathTest, EndsWhoReadsBeyondEitherEnd) {
  SharedMemory memory(2 * page_bytes());
  const GuardedMap map(memory.fd(), page_bytes(), page_bytes(), GuardedMap::Access::write);
  map.data()[0] = std::byte{1};
  EXPECT_EQ(memory.bytes()[page_bytes()], std::byte{1});
  const volatile std::byte* bytes = map.data();
  EXPECT_DEATH((void)bytes[map.size()], "");
  EXPECT_DEATH((void)bytes[-1], "");
}

TEST(Fingerprint, ChangesWithEveryByteOfAShortRun) {
  std::vector<std::byte> bytes(67);
  const std::uint64_t before = fingerprint(bytes);
  for (std::byte& byte : bytes) {
    byte = std::byte{1};
    EXPECT_NE(fingerprint(bytes), before) << &byte - bytes.data();
    byte = std::byte{0};
  }
  EXPECT_EQ(fingerprint(bytes), before);
}

}  // namespace
}  // namespace thresher::measure
