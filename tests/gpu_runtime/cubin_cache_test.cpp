// The cache of compiled kernels: what it keeps, and how it meets damage, full disks and other processes.
#include "gpu/cubin_cache.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

#include "device/files.hpp"
#include "gpu/hash64.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

namespace fs = std::filesystem;

const CubinKey kKey = {.text = "format 1\nsource of a kernel", .compiler = "nvrtc-13.0"};
const CachedCubin kEntry = {.kernel = "k", .arch = "sm_90a", .log = "line\nline\n", .cubin = std::string("\0ELF\n", 5)};

TEST(Hash64, FnvMatchesThePublishedVectors) {
  EXPECT_EQ(hex64(fnv1a64("")), "cbf29ce484222325");
  EXPECT_EQ(hex64(fnv1a64("a")), "af63dc4c8601ec8c");
  EXPECT_EQ(hex64(fnv1a64("foobar")), "85944171f73967e8");
}

TEST(Hash64, EachBitOfATextChangesTheMix) {
  const std::string text = "thirteen char";
  std::set<std::uint64_t> seen = {mix64(text), mix64(text + std::string(1, '\0'))};
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    seen.insert(mix64(changed));
  }
  EXPECT_EQ(seen.size(), 8 * text.size() + 2);
}

TEST(CubinCache, GivesBackWhatWasStored) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path() / "made" / "by" / "store");
  EXPECT_FALSE(cache.find(kKey).entry);
  EXPECT_EQ(cache.find(kKey).problem, "");
  ASSERT_EQ(cache.store(kKey, kEntry), "");
  const CubinLookup found = cache.find(kKey);
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(*found.entry, kEntry);
  EXPECT_EQ(found.compiler, "nvrtc-13.0");
}

TEST(CubinCache, OtherSourceOrCompilerIsAnotherEntry) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  ASSERT_EQ(cache.store(kKey, kEntry), "");
  EXPECT_FALSE(cache.find({kKey.text + " ", kKey.compiler}).entry);
  EXPECT_FALSE(cache.find({kKey.text, "nvrtc-13.1"}).entry);
}

TEST(CubinCache, WithoutACompilerTheNewestVersionIsTaken) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  for (const char* compiler : {"nvrtc-13.2", "nvrtc-13.10", "nvrtc-12.9"}) {
    CachedCubin entry = kEntry;
    entry.cubin = compiler;
    ASSERT_EQ(cache.store({kKey.text, compiler}, entry), "");
  }
  const CubinLookup found = cache.find_of_any_compiler(kKey.text);
  ASSERT_TRUE(found.entry);
  EXPECT_EQ(found.entry->cubin, "nvrtc-13.10");
  EXPECT_EQ(found.compiler, "nvrtc-13.10");
  EXPECT_FALSE(cache.find_of_any_compiler(kKey.text + " ").entry);
}

TEST(CubinCache, EveryCutAndEveryFlippedByteIsNoticed) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  ASSERT_EQ(cache.store(kKey, kEntry), "");
  const fs::path file = cache.list().at(0).file;
  const std::string whole = device::read_whole_file(file);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::ofstream(file, std::ios::binary) << whole.substr(0, i);
    EXPECT_FALSE(cache.find(kKey).entry) << "cut to " << i;
    EXPECT_NE(cache.find(kKey).problem.find(file.string()), std::string::npos);
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    std::ofstream(file, std::ios::binary) << changed;
    EXPECT_FALSE(cache.find(kKey).entry) << "flipped at " << i;
  }
  ASSERT_EQ(cache.store(kKey, kEntry), "");
  EXPECT_TRUE(cache.find(kKey).entry) << "a damaged entry can be written again";
}

TEST(CubinCache, CollidingNameIsNotTakenForTheKernel) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  const CubinKey other = {.text = "another source", .compiler = kKey.compiler};
  ASSERT_EQ(cache.store(other, kEntry), "");
  fs::rename(cache.list().at(0).file, folder.path() / (hex64(fnv1a64(kKey.text)) + "-nvrtc-13.0.cubin"));
  EXPECT_FALSE(cache.find(kKey).entry);
  EXPECT_NE(cache.find(kKey).problem.find("collides"), std::string::npos);
}

TEST(CubinCache, FolderThatCantBeWrittenIsAWarning) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  // A file in the way of the folder: fails for root too, unlike a read-only folder.
  const CubinCache cache(folder.path() / "file" / "cubin");
  const std::string warning = cache.store(kKey, kEntry);
  EXPECT_NE(warning.find((folder.path() / "file").string()), std::string::npos) << warning;
  EXPECT_FALSE(cache.find(kKey).entry);
}

// In a process of its own, where files can't grow: the write fails in the middle, as on a full disk.
void store_on_a_full_disk(const CubinCache& cache) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit = {16, 16};
  setrlimit(RLIMIT_FSIZE, &limit);
  const bool warned = cache.store(kKey, kEntry).find("File too large") != std::string::npos;
  _exit(warned && fs::is_empty(cache.folder()) ? 0 : 1);
}

TEST(CubinCache, FullDiskIsAWarningAndLeavesNothing) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  EXPECT_EXIT(store_on_a_full_disk(cache), ::testing::ExitedWithCode(0), "");
  EXPECT_FALSE(cache.find(kKey).entry);
}

TEST(CubinCache, ListTellsSoundFromDamaged) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  EXPECT_TRUE(CubinCache(folder.path() / "missing").list().empty());
  ASSERT_EQ(cache.store(kKey, kEntry), "");
  std::ofstream(folder.path() / "0000000000000000-nvrtc-13.0.cubin") << "half a fi";
  const std::vector<CacheEntry> entries = cache.list();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_NE(entries[0].problem, "");
  EXPECT_EQ(entries[0].kernel, "");
  EXPECT_EQ(entries[1].problem, "");
  EXPECT_EQ(entries[1].kernel, "k");
  EXPECT_EQ(entries[1].arch, "sm_90a");
  EXPECT_EQ(entries[1].compiler, "nvrtc-13.0");
  EXPECT_EQ(cache.bytes(), entries[0].bytes + entries[1].bytes);
}

TEST(CubinCache, ClearRemovesEntriesAndWhatKilledWritersLeft) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  ASSERT_EQ(cache.store(kKey, kEntry), "");
  std::ofstream(folder.path() / "0000000000000000-nvrtc-13.0.cubin.aB3dEf") << "left";
  std::ofstream(folder.path() / "notes.txt") << "the user's own";
  const std::uintmax_t bytes = cache.bytes();
  const CacheCleared cleared = cache.clear();
  EXPECT_EQ(cleared.files, 2u);
  EXPECT_EQ(cleared.bytes, bytes + 4);
  EXPECT_TRUE(cache.list().empty());
  EXPECT_TRUE(fs::exists(folder.path() / "notes.txt"));
  EXPECT_EQ(cache.clear().files, 0u);
}

TEST(CubinCache, ProcessesThatWriteAndClearAtOnceSeeWholeEntriesOrNone) {
  const TemporaryFolder folder;
  const CubinCache cache(folder.path());
  CachedCubin entry = kEntry;
  entry.cubin.assign(1 << 16, 'x');
  const int processes = 4;
  for (int p = 0; p < processes; ++p) {
    if (fork() == 0) {
      bool good = true;
      for (int i = 0; i < 25; ++i) {
        good = good && cache.store(kKey, entry).empty();
        const CubinLookup found = cache.find(kKey);
        good = good && found.entry && *found.entry == entry;
      }
      _exit(good ? 0 : 1);
    }
  }
  for (int p = 0; p < processes; ++p) {
    int status = 0;
    ASSERT_GT(wait(&status), 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(cache.list().size(), 1u) << "no temporary file is left";
}

TEST(CubinCache, LivesBelowTheCacheFolderOfTheEnvironment) {
  device::Environment environment;
  EXPECT_FALSE(CubinCache::of(environment));
  environment.cache_dir = "/somewhere";
  EXPECT_EQ(CubinCache::of(environment)->folder(), "/somewhere/cubin");
}

}  // namespace
}  // namespace thresher::gpu
