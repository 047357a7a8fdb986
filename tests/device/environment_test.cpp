// Environment variables: names, precedence, and what empty means.
#include "device/environment.hpp"

#include <gtest/gtest.h>

#include <map>

namespace thresher::device {
namespace {

Environment with(const std::map<std::string, std::string>& variables) {
  return read_environment([&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Environment, UnsetAndEmptyAreNothing) {
  const Environment unset = with({});
  EXPECT_EQ(unset.cpu_isa, std::nullopt);
  EXPECT_EQ(unset.cases, std::nullopt);
  EXPECT_EQ(unset.cache_dir, std::nullopt);
  EXPECT_EQ(unset.champions, std::nullopt);
  EXPECT_EQ(unset.terminal, std::nullopt);
  const Environment empty = with({{"THRESHER_CPU_ISA", ""},
                                  {"THRESHER_CASES", ""},
                                  {"THRESHER_CACHE_DIR", ""},
                                  {"HOME", ""},
                                  {"THRESHER_CHAMPIONS", ""},
                                  {"TERM", ""}});
  EXPECT_EQ(empty.cpu_isa, std::nullopt);
  EXPECT_EQ(empty.cases, std::nullopt);
  EXPECT_EQ(empty.cache_dir, std::nullopt);
  EXPECT_EQ(empty.champions, std::nullopt);
  EXPECT_EQ(empty.terminal, std::nullopt);
}

TEST(Environment, KeepsValuesAsWritten) {
  const Environment e = with({{"THRESHER_CPU_ISA", "AVX2 "},
                              {"THRESHER_CASES", "my cases"},
                              {"THRESHER_CHAMPIONS", "my champions"},
                              {"TERM", "dumb"}});
  EXPECT_EQ(e.cpu_isa, "AVX2 ");
  EXPECT_EQ(e.cases, "my cases");
  EXPECT_EQ(e.champions, "my champions");
  EXPECT_EQ(e.terminal, "dumb");
}

TEST(Environment, NamesTheCompilerOfGpuKernels) {
  const Environment e = with({{"THRESHER_NVRTC", "/n/libnvrtc.so"}, {"CUDA_HOME", "/h"}, {"CUDA_PATH", "/p"}});
  EXPECT_EQ(e.nvrtc, "/n/libnvrtc.so");
  EXPECT_EQ(e.cuda_home, "/h");
  EXPECT_EQ(e.cuda_path, "/p");
  const Environment none = with({{"THRESHER_NVRTC", ""}});
  EXPECT_EQ(none.nvrtc, std::nullopt);
  EXPECT_EQ(none.cuda_home, std::nullopt);
  EXPECT_EQ(none.cuda_path, std::nullopt);
}

TEST(Environment, CacheFolderComesFromTheFirstVariableThatNamesOne) {
  std::map<std::string, std::string> variables = {
      {"THRESHER_CACHE_DIR", "/a"}, {"XDG_CACHE_HOME", "/b"}, {"HOME", "/c"}};
  EXPECT_EQ(with(variables).cache_dir, "/a");
  variables.erase("THRESHER_CACHE_DIR");
  EXPECT_EQ(with(variables).cache_dir, "/b/thresher");
  variables["XDG_CACHE_HOME"] = "relative";
  EXPECT_EQ(with(variables).cache_dir, "/c/.cache/thresher");
  variables.erase("XDG_CACHE_HOME");
  EXPECT_EQ(with(variables).cache_dir, "/c/.cache/thresher");
}

}  // namespace
}  // namespace thresher::device
