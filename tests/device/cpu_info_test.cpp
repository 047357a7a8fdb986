// The CPU at hand, its key, and caches read from a made-up sysfs.
#include "device/cpu_info.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>

#include "device/cache_sizes.hpp"
#include "device/files.hpp"
#include "temporary_folder.hpp"

namespace thresher::device {
namespace {

TEST(CpuInfo, HasANameCoresAndCaches) {
  const CpuInfo& info = cpu_info();
  EXPECT_FALSE(info.name.empty());
  EXPECT_EQ(info.name.find("  "), std::string::npos);
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    EXPECT_EQ(info.cores, CPU_COUNT(&set));
  }
  EXPECT_GE(info.l1d_bytes, 8u * 1024);
  EXPECT_GE(info.l2_bytes, info.l1d_bytes);
  EXPECT_GT(info.l3_bytes, 0u);
  EXPECT_EQ(info.isas.size(), 4u);
  EXPECT_EQ(&info, &cpu_info());
}

std::string key(std::string name, int cores) {
  CpuInfo info;
  info.name = std::move(name);
  info.cores = cores;
  return machine_key(info);
}

TEST(MachineKey, IsLowerCaseLettersDigitsAndDashes) {
  EXPECT_EQ(key("AMD EPYC 7B13", 2), "amd-epyc-7b13-2c");
  EXPECT_EQ(key("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", 176), "intel-xeon-platinum-8481c-cpu-2-70ghz-176c");
  EXPECT_EQ(key("../../etc/passwd", 1), "etc-passwd-1c");
  EXPECT_EQ(key("", 4), "unknown-cpu-4c");
  EXPECT_EQ(key("***", 4), "unknown-cpu-4c");
}

TEST(ParseCacheSize, ReadsUnitsAndRefusesTheRest) {
  EXPECT_EQ(parse_cache_size("48K"), 48u * 1024);
  EXPECT_EQ(parse_cache_size("2M"), 2u * 1024 * 1024);
  EXPECT_EQ(parse_cache_size("1G"), 1024u * 1024 * 1024);
  EXPECT_EQ(parse_cache_size("64"), 64u);
  for (const char* text : {"", "K", "0K", "-1K", "12X", "12KB", "99999999999999999999K", "18446744073709551615K"}) {
    EXPECT_EQ(parse_cache_size(text), std::nullopt) << text;
  }
}

void add_cache(const std::filesystem::path& root, int cpu, int index, const char* level, const char* type,
               const char* size, const char* shared) {
  const auto folder = root / ("cpu" + std::to_string(cpu)) / "cache" / ("index" + std::to_string(index));
  write_whole_file(folder / "level", level);
  write_whole_file(folder / "type", type);
  write_whole_file(folder / "size", size);
  write_whole_file(folder / "shared_cpu_list", shared);
}

TEST(ReadCacheSizes, AddsTheLastLevelCachesThatTheCpusReach) {
  const TemporaryFolder root;
  for (int cpu = 0; cpu < 4; ++cpu) {
    add_cache(root.path(), cpu, 0, "1\n", "Data\n", "48K\n", "x\n");
    add_cache(root.path(), cpu, 1, "1\n", "Instruction\n", "64K\n", "x\n");
    add_cache(root.path(), cpu, 2, "2\n", "Unified\n", "1024K\n", "x\n");
    add_cache(root.path(), cpu, 3, "3\n", "Unified\n", "16384K\n", cpu < 2 ? "0-1\n" : "2-3\n");
  }
  const CacheSizes all = read_cache_sizes(root.path(), {0, 1, 2, 3});
  EXPECT_EQ(all.l1d_bytes, 48u * 1024);
  EXPECT_EQ(all.l2_bytes, 1024u * 1024);
  EXPECT_EQ(all.l3_bytes, 2u * 16384 * 1024);
  EXPECT_EQ(read_cache_sizes(root.path(), {2, 3}).l3_bytes, 16384u * 1024);
}

TEST(ReadCacheSizes, LeavesUnknownWhatTheSystemDoesNotSay) {
  const TemporaryFolder root;
  add_cache(root.path(), 0, 0, "1\n", "Data\n", "nonsense\n", "0\n");
  const CacheSizes sizes = read_cache_sizes(root.path(), {0, 7});
  EXPECT_EQ(sizes.l1d_bytes, std::nullopt);
  EXPECT_EQ(sizes.l2_bytes, std::nullopt);
  EXPECT_EQ(sizes.l3_bytes, std::nullopt);
}

}  // namespace
}  // namespace thresher::device
