// Whole files are replaced whole, or left alone with the reason.
#include "device/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <iterator>

#include "device/memory.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::device {
namespace {

namespace fs = std::filesystem;

std::ptrdiff_t entries(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(WriteWholeFile, MakesFoldersReplacesAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "a" / "b" / "file.txt";
  write_whole_file(path, "old");
  const std::string content = std::string("new\0line\n", 9) + std::string(300000, 'x');
  write_whole_file(path, content);
  EXPECT_EQ(read_whole_file(path), content);
  EXPECT_EQ(entries(path.parent_path()), 1);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0644u);
}

TEST(WriteWholeFile, FailsWithPathAndReasonAndKeepsTheOldContent) {
  const TemporaryFolder folder;
  const fs::path occupied = folder.path() / "occupied";
  write_whole_file(occupied / "inside", "kept");
  const std::string replacing = message_of([&] { write_whole_file(occupied, "x"); });
  EXPECT_NE(replacing.find(occupied.string()), std::string::npos) << replacing;
  EXPECT_NE(replacing.find("irectory"), std::string::npos) << replacing;
  EXPECT_EQ(read_whole_file(occupied / "inside"), "kept");
  EXPECT_EQ(entries(folder.path()), 1);

  const std::string under_file = message_of([&] { write_whole_file(occupied / "inside" / "x", "x"); });
  EXPECT_NE(under_file.find("inside"), std::string::npos) << under_file;
  EXPECT_EQ(read_whole_file(occupied / "inside"), "kept");
}

TEST(ReadWholeFile, FailsWithPathAndReason) {
  const TemporaryFolder folder;
  const std::string missing = message_of([&] { read_whole_file(folder.path() / "none"); });
  EXPECT_NE(missing.find("none"), std::string::npos);
  EXPECT_NE(missing.find("No such file"), std::string::npos);
  EXPECT_NE(message_of([&] { read_whole_file(folder.path()); }).find("irectory"), std::string::npos);
}

TEST(AvailableMemory, IsTheSmallerOfSystemAndControlGroup) {
  const TemporaryFolder root;
  EXPECT_EQ(available_memory_bytes(root.path()), std::nullopt);
  write_whole_file(root.path() / "proc/meminfo", "MemTotal: 100 kB\nMemAvailable:      80 kB\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 80u * 1024);
  write_whole_file(root.path() / "sys/fs/cgroup/memory.max", "max\n");
  write_whole_file(root.path() / "sys/fs/cgroup/memory.current", "10240\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 80u * 1024);
  write_whole_file(root.path() / "sys/fs/cgroup/memory.max", "30720\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 20480u);
  write_whole_file(root.path() / "sys/fs/cgroup/memory.current", "40960\n");
  EXPECT_EQ(available_memory_bytes(root.path()), 0u);
}

TEST(AvailableMemory, SurvivesNonsense) {
  const TemporaryFolder root;
  write_whole_file(root.path() / "proc/meminfo", "MemAvailable: lots\n");
  EXPECT_EQ(available_memory_bytes(root.path()), std::nullopt);
}

}  // namespace
}  // namespace thresher::device
