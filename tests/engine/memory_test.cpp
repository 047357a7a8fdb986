// What the library takes from the heap: nothing in a call, and while packing little more than the packed weights.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "allocation_counter.hpp"
#include "small_call.hpp"

namespace thresher {
namespace {

using testing::allocation_count;
using testing::SmallCall;

TEST(Allocations, AreCountedHere) {
  const std::int64_t before = allocation_count();
  const auto made = std::make_unique<std::vector<int>>(1000);
  EXPECT_GE(allocation_count() - before, 2) << made->size();
}

// The first call may start OpenMP's threads; from then on a call allocates nothing.
TEST(Allocations, AreNoneInACall) {
  for (const IsaStatus& status : cpu_isas()) {
    if (!status.usable) continue;
    for (const Op op : {Op::plain, Op::gated}) {
      SmallCall call(op, {0, 40, 40, 133}, {.isa = status.isa});
      CallReport report;
      call.args.bias = call.bias;
      call.args.report = &report;
      call.run();
      const std::int64_t before = allocation_count();
      for (int i = 0; i < 3; ++i)
        call.run();
      EXPECT_EQ(allocation_count() - before, 0) << to_string(status.isa) << " " << to_string(op);
    }
  }
}

TEST(Allocations, AreNoneInACallOfNoRows) {
  const SmallCall call(Op::gated, {0, 0, 0});
  call.run();
  const std::int64_t before = allocation_count();
  call.run();
  EXPECT_EQ(allocation_count() - before, 0);
}

// A field of /proc/self/status in bytes, or -1.
std::int64_t status_bytes(const char* field) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    long long kilobytes = 0;
    if (line.rfind(field, 0) == 0 && std::sscanf(line.c_str() + std::strlen(field), ": %lld", &kilobytes) == 1) {
      return kilobytes * 1024;
    }
  }
  return -1;
}

constexpr WeightsShape kLarge{.op = Op::gated, .groups = 8, .n = 1536, .k = 2048};

// Packs expert by expert from one reused source and leaves with 0 if the peak stayed within 1.1 x (packed + source).
[[noreturn]] void pack_and_exit() {
  const std::int64_t before = status_bytes("VmRSS");
  const auto elements = static_cast<std::size_t>(kLarge.n * kLarge.k);
  const std::size_t source_bytes = 2 * (elements / 2 + elements / 16);
  PackedWeights weights(kLarge);
  for (std::int64_t group = 0; group < kLarge.groups; ++group) {
    const std::vector<std::uint8_t> codes(elements, testing::kTwoOnes);  // gate, then up
    const std::vector<std::uint8_t> scales(elements / 8, testing::kScaleOne);
    Nvfp4View gate = testing::ones(codes, scales, kLarge.n, kLarge.k, 1.0f);
    Nvfp4View up = gate;
    up.codes += elements / 2;
    up.scales += elements / 16;
    weights.pack(group, gate, up);
  }
  const std::int64_t used = status_bytes("VmHWM") - before;
  const double allowed = 1.1 * static_cast<double>(weights.bytes() + source_bytes);
  std::fprintf(stderr, "peak %lld, packed %zu, source %zu, allowed %.0f\n", static_cast<long long>(used),
               weights.bytes(), source_bytes, allowed);
  // Less than the packed bytes would mean that the measurement, not the packing, is wrong.
  const bool plausible = used >= static_cast<std::int64_t>(weights.bytes());
  std::_Exit(plausible && static_cast<double>(used) <= allowed ? 0 : 1);
}

TEST(PackingDeathTest, HoldsNoMoreThanPackedWeightsAndOneSource) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory hides what is measured";
#endif
  // A process of its own: the peak of this one is that of all tests so far.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(pack_and_exit(), ::testing::ExitedWithCode(0), "peak");
}

TEST(Packing, KeepsWeightsNearTheirSizeInTheCheckpoint) {
  const PackedWeights weights(kLarge);
  const double elements = 2.0 * 8 * 1536 * 2048;
  EXPECT_LE(static_cast<double>(weights.bytes()), 0.5625 * elements + 4096);
}

}  // namespace
}  // namespace thresher
