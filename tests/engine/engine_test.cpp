// What every call of an engine does, whatever the kernel: groups, empty groups, threads, forced instruction sets.
#include "thresher/engine.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <thread>

#include "engine/forced_isa.hpp"
#include "small_call.hpp"

namespace thresher {
namespace {

using testing::error_of;
using testing::SmallCall;

// Sets THRESHER_CPU_ISA for one test and puts back what was there.
class ForcedVariable {
 public:
  explicit ForcedVariable(const char* value) {
    if (const char* before = std::getenv(kName)) before_ = before;
    setenv(kName, value, 1);
  }
  ~ForcedVariable() {
    if (before_) {
      setenv(kName, before_->c_str(), 1);
    } else {
      unsetenv(kName);
    }
  }
  ForcedVariable(const ForcedVariable&) = delete;
  ForcedVariable& operator=(const ForcedVariable&) = delete;

 private:
  static constexpr const char* kName = "THRESHER_CPU_ISA";
  std::optional<std::string> before_;
};

// Sums of ones are exact in any order, so every element is known to the bit.
void expect_plain_result(const SmallCall& call) {
  for (std::size_t group = 0; group + 1 < call.offsets.size(); ++group) {
    for (std::int64_t row = call.offsets[group]; row < call.offsets[group + 1]; ++row) {
      for (std::int64_t column = 0; column < SmallCall::kN; ++column) {
        ASSERT_EQ(call.out[static_cast<std::size_t>(row * SmallCall::kN + column)],
                  static_cast<float>(SmallCall::kK) * static_cast<float>(group + 1))
            << "group " << group << " row " << row << " column " << column;
      }
    }
  }
}

TEST(Engine, GivesEachRowItsOwnGroupsWeights) {
  const SmallCall call(Op::plain);
  call.run();
  expect_plain_result(call);
}

TEST(Engine, SkipsEmptyGroupsAnywhere) {
  for (const std::vector<std::int32_t>& offsets : std::vector<std::vector<std::int32_t>>{
           {0, 0, 3}, {0, 3, 3}, {0, 0, 0, 1}, {0, 1, 1, 1, 2}, {0, 0, 17, 17, 80, 80}}) {
    const SmallCall call(Op::plain, offsets);
    call.run();
    expect_plain_result(call);
  }
}

TEST(Engine, AcceptsNoRowsWithoutAnyMemory) {
  for (const Op op : {Op::plain, Op::gated}) {
    SmallCall call(op, {0, 0, 0, 0});
    CallReport report;
    report.tasks = 99;
    call.args.a.data = nullptr;
    call.args.a.scales = nullptr;
    call.args.out.data = nullptr;
    call.args.workspace = {};
    call.args.report = &report;
    EXPECT_EQ(error_of([&] { call.run(); }), "no error");
    EXPECT_EQ(report.tasks, 0);
    EXPECT_NE(report.isa, Isa::automatic);
  }
}

TEST(Engine, UsesOneGlobalScaleOrOneForEachGroup) {
  SmallCall call(Op::plain);
  const std::vector<float> each = {2.0f, 5.0f, -1.0f};
  call.args.a.global_scales = each;
  call.run();
  EXPECT_EQ(call.out.front(), 2.0f * SmallCall::kK);
  EXPECT_EQ(call.out.back(), -3.0f * SmallCall::kK);
}

TEST(Engine, NeedsNoMoreWorkspaceForFewerRows) {
  const SmallCall call(Op::gated);
  std::size_t before = 0;
  for (std::int64_t rows = 0; rows < 300; ++rows) {
    const std::size_t bytes = call.engine.workspace_bytes(call.weights, rows);
    EXPECT_GE(bytes, before) << rows;
    before = bytes;
  }
}

TEST(Engine, RunsTwoEnginesInTwoThreadsOnSharedWeights) {
  SmallCall first(Op::plain, {0, 40, 40, 90}, {.threads = 1});
  SmallCall second(Op::plain, {0, 3, 64, 70}, {.isa = Isa::portable, .threads = 2});
  const auto repeat = [](const SmallCall& call, const PackedWeights& weights) {
    for (int i = 0; i < 50; ++i)
      call.engine.grouped_gemm(weights, call.args);
  };
  std::thread other([&] { repeat(second, first.weights); });
  repeat(first, first.weights);
  other.join();
  expect_plain_result(first);
  expect_plain_result(second);
}

TEST(Engine, NeedsTheSameWorkspaceWhicheverThreadAsks) {
  // OpenMP's default number of threads belongs to a thread; an engine's must not. (On one core both are 1.)
  const SmallCall call(Op::plain, {0, 40, 40, 90});
  std::size_t elsewhere = 0;
  std::thread([&] {
    omp_set_num_threads(1);
    elsewhere = call.engine.workspace_bytes(call.weights, call.total);
  }).join();
  EXPECT_EQ(elsewhere, call.engine.workspace_bytes(call.weights, call.total));
}

TEST(Engine, ResolvesEveryField) {
  const ForcedVariable none("");
  const Engine engine({.cpu = {.block_m = 48}});
  const CpuConfig config = engine.resolve({.op = Op::gated, .m = {4, 0, 9}, .n = 100, .k = 512, .activation = {}});
  EXPECT_NE(config.isa, Isa::automatic);
  EXPECT_EQ(config.block_m, 48);
  EXPECT_GT(config.block_n, 0);
  EXPECT_GT(config.block_k, 0);
  EXPECT_GT(config.dequant_stages, 0);
  EXPECT_GE(config.prefetch_distance, 0);
  EXPECT_GT(config.threads, 0);
}

TEST(Engine, RefusesAConfigWhereItIsGiven) {
  const std::string message = error_of([] { const Engine engine({.cpu = {.block_m = 17}}); });
  EXPECT_NE(message.find("block_m=17"), std::string::npos) << message;
}

TEST(Engine, RefusesPairsOfThreadsWhereOpenMPOffersOne) {
  std::string automatic;
  std::string explicit_pair;
  std::thread([&] {
    omp_set_num_threads(1);  // of this thread only
    automatic = error_of([] { const Engine engine({.cpu = {.roles = Roles::specialised}}); });
    explicit_pair = error_of([] { const Engine engine({.cpu = {.roles = Roles::specialised, .threads = 2}}); });
  }).join();
  EXPECT_NE(automatic.find("roles=specialised"), std::string::npos) << automatic;
  EXPECT_NE(automatic.find("threads=0 (automatic)"), std::string::npos) << automatic;
  EXPECT_NE(automatic.find("give threads=2"), std::string::npos) << automatic;
  EXPECT_EQ(explicit_pair, "no error");
}

TEST(Engine, RefusesToResolveABadProblem) {
  const Engine engine;
  ErrorCode code = ErrorCode::internal;
  const std::string message =
      error_of([&] { (void)engine.resolve({.op = Op::plain, .m = {1}, .n = 8, .k = 20, .activation = {}}); }, &code);
  EXPECT_EQ(code, ErrorCode::invalid_argument);
  EXPECT_NE(message.find("20"), std::string::npos) << message;
}

TEST(Engine, ListsPortableAsUsableAndSaysWhyOthersAreNot) {
  const std::vector<IsaStatus> isas = cpu_isas();
  ASSERT_FALSE(isas.empty());
  EXPECT_EQ(isas.back().isa, Isa::portable);
  EXPECT_TRUE(isas.back().usable);
  for (const IsaStatus& status : isas)
    EXPECT_EQ(status.usable, status.why_not.empty()) << to_string(status.isa);
}

TEST(ForcedIsa, IsTheOneThatRuns) {
  for (const IsaStatus& status : cpu_isas()) {
    if (!status.usable) continue;
    const ForcedVariable forced(to_string(status.isa));
    // The variable wins over the config: it is how a user overrides a program that can't be changed.
    SmallCall call(Op::plain, {0, 2, 2, 5}, {.isa = Isa::portable});
    CallReport report;
    call.args.report = &report;
    call.run();
    EXPECT_EQ(report.isa, status.isa);
    expect_plain_result(call);
  }
}

TEST(ForcedIsa, RefusesUnknownNamesListingTheUsable) {
  const ForcedVariable forced("sse9");
  ErrorCode code = ErrorCode::internal;
  const std::string message = error_of([] { const Engine engine; }, &code);
  EXPECT_EQ(code, ErrorCode::environment);
  EXPECT_NE(message.find("THRESHER_CPU_ISA is 'sse9'"), std::string::npos) << message;
  EXPECT_NE(message.find("portable"), std::string::npos) << message;
}

TEST(ForcedIsa, RefusesUnusableNamesSayingWhy) {
  const std::vector<IsaStatus> isas = {{Isa::amx, false, "no amx_tile"}, {Isa::portable, true, ""}};
  ErrorCode code = ErrorCode::internal;
  const std::string amx = error_of([&] { (void)engine::forced_isa("amx", isas); }, &code);
  EXPECT_EQ(code, ErrorCode::environment);
  EXPECT_NE(amx.find("(no amx_tile)"), std::string::npos) << amx;
  EXPECT_NE(amx.find("one of: portable"), std::string::npos) << amx;
  const std::string avx2 = error_of([&] { (void)engine::forced_isa("avx2", isas); });
  EXPECT_NE(avx2.find("build does not have"), std::string::npos) << avx2;
}

TEST(ForcedIsa, IsNothingWhenUnsetEmptyOrAutomatic) {
  const std::vector<IsaStatus> isas = {{Isa::portable, true, ""}};
  EXPECT_EQ(engine::forced_isa(std::nullopt, isas), std::nullopt);
  EXPECT_EQ(engine::forced_isa("", isas), std::nullopt);
  EXPECT_EQ(engine::forced_isa("automatic", isas), std::nullopt);
  EXPECT_EQ(engine::forced_isa("portable", isas), Isa::portable);
}

}  // namespace
}  // namespace thresher
