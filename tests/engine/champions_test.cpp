// Champions: which problem is of which class, what a champion fills, and when it steps back.
#include "thresher/champions.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "allocation_counter.hpp"
#include "small_call.hpp"

namespace thresher {
namespace {

using testing::allocation_count;
using testing::error_of;
using testing::SmallCall;

Problem problem_of(std::vector<std::int64_t> m, Op op = Op::plain, OutputType output = OutputType::fp32) {
  return {.op = op, .m = std::move(m), .n = SmallCall::kN, .k = SmallCall::kK, .output = output, .activation = {}};
}

// The instruction set that runs here, whichever the environment forces.
Isa running_isa() {
  return Engine().resolve(problem_of({1})).isa;
}

Champion champion_of(ShapeClass shape_class, CpuConfig config, Op op = Op::plain) {
  if (config.isa == Isa::automatic) config.isa = running_isa();
  return {.op = op, .shape_class = shape_class, .config = config, .source = "round 7"};
}

TEST(ShapeClasses, SplitAtSixteenRowsAGroupThatHasAny) {
  EXPECT_EQ(shape_class(problem_of({})), ShapeClass::decode);
  EXPECT_EQ(shape_class(problem_of({0, 0})), ShapeClass::decode);
  EXPECT_EQ(shape_class(problem_of({16})), ShapeClass::decode);
  EXPECT_EQ(shape_class(problem_of({17})), ShapeClass::prefill);
  EXPECT_EQ(shape_class(problem_of({31, 1})), ShapeClass::decode);
  EXPECT_EQ(shape_class(problem_of({31, 2})), ShapeClass::prefill);
  // Empty groups have no weights to stream: they do not make a problem a decode.
  EXPECT_EQ(shape_class(problem_of({0, 17, 0, 0})), ShapeClass::prefill);
}

TEST(ShapeClasses, DecideTheAutomaticPrefetch) {
  const Engine engine;
  EXPECT_GT(engine.resolve(problem_of({16, 0, 0})).prefetch_distance,
            engine.resolve(problem_of({17, 0, 0})).prefetch_distance);
}

TEST(ShapeClasses, HaveNamesThatParse) {
  for (const ShapeClass value : {ShapeClass::decode, ShapeClass::prefill})
    EXPECT_EQ(parse_shape_class(to_string(value)), value);
  EXPECT_EQ(parse_shape_class("Decode"), std::nullopt);
}

TEST(WithChampion, FillsEveryOpenFieldButIsaAndThreads) {
  const CpuConfig champion = {.isa = Isa::avx2,
                              .block_m = 32,
                              .block_n = 64,
                              .block_k = 96,
                              .dequant_stages = 3,
                              .prefetch_distance = 128,
                              .store = StoreMode::streaming,
                              .roles = Roles::specialised,
                              .threads = 4};
  CpuConfig expected = champion;
  expected.isa = Isa::automatic;
  expected.threads = 0;
  EXPECT_EQ(with_champion({}, champion), expected);
}

TEST(WithChampion, LeavesEveryFieldThatTheCallerSet) {
  const CpuConfig asked = {.isa = Isa::amx,
                           .block_m = 16,
                           .block_n = 32,
                           .block_k = 64,
                           .dequant_stages = 2,
                           .prefetch_distance = 0,
                           .store = StoreMode::streaming,
                           .roles = Roles::specialised,
                           .threads = 2};
  const CpuConfig champion = {.isa = Isa::avx2,
                              .block_m = 32,
                              .block_n = 64,
                              .block_k = 96,
                              .dequant_stages = 3,
                              .prefetch_distance = 128,
                              .threads = 4};
  EXPECT_EQ(with_champion(asked, champion), asked);
}

TEST(Champions, ApplyToTheirOpAndClassOnly) {
  const Engine engine({.champions = {champion_of(ShapeClass::decode, {.block_m = 48, .prefetch_distance = 192})}});
  EXPECT_EQ(engine.resolve(problem_of({16})).block_m, 48);
  EXPECT_EQ(engine.resolve(problem_of({16})).prefetch_distance, 192);
  EXPECT_EQ(engine.resolve(problem_of({17})), Engine().resolve(problem_of({17})));
  EXPECT_EQ(engine.resolve(problem_of({16}, Op::gated)), Engine().resolve(problem_of({16}, Op::gated)));
  ASSERT_NE(engine.champion(problem_of({16})), nullptr);
  EXPECT_EQ(engine.champion(problem_of({16}))->source, "round 7");
  EXPECT_EQ(engine.champion(problem_of({17})), nullptr);
  EXPECT_EQ(engine.champion(problem_of({16}, Op::gated)), nullptr);
}

TEST(Champions, LeaveWhatTheyLeaveOpenToTheProblem) {
  const Engine engine({.champions = {champion_of(ShapeClass::decode, {.block_m = 48})}});
  CpuConfig expected = Engine().resolve(problem_of({16}));
  EXPECT_NE(expected.block_m, 48);
  expected.block_m = 48;
  EXPECT_EQ(engine.resolve(problem_of({16})), expected);
}

TEST(Champions, LoseToTheCallersFields) {
  const Engine engine({.cpu = {.block_m = 80},
                       .champions = {champion_of(ShapeClass::decode, {.block_m = 48, .prefetch_distance = 192})}});
  EXPECT_EQ(engine.resolve(problem_of({16})).block_m, 80);
  EXPECT_EQ(engine.resolve(problem_of({16})).prefetch_distance, 192);
}

TEST(Champions, DoNotSetTheThreads) {
  const Engine engine({.champions = {champion_of(ShapeClass::decode, {.block_m = 48, .threads = 7})}});
  EXPECT_EQ(engine.resolve(problem_of({16})).threads, Engine().resolve(problem_of({16})).threads);
}

TEST(Champions, OfAnotherInstructionSetDoNotApply) {
  const Isa other = running_isa() == Isa::portable ? Isa::avx2 : Isa::portable;
  const ChampionTable table = {champion_of(ShapeClass::decode, {.isa = other, .block_m = 48}),
                               champion_of(ShapeClass::decode, {.block_m = 64})};
  const Engine engine({.champions = table});
  EXPECT_EQ(engine.resolve(problem_of({16})).isa, running_isa());
  EXPECT_EQ(engine.resolve(problem_of({16})).block_m, 64);
}

TEST(Champions, FollowTheForcedInstructionSet) {
  const char* before = std::getenv("THRESHER_CPU_ISA");
  const std::string kept = before == nullptr ? "" : before;
  setenv("THRESHER_CPU_ISA", "portable", 1);
  const Engine engine({.champions = {champion_of(ShapeClass::decode, {.isa = Isa::portable, .block_m = 48}),
                                     champion_of(ShapeClass::decode, {.isa = Isa::avx2, .block_m = 64})}});
  setenv("THRESHER_CPU_ISA", kept.c_str(), 1);  // empty is unset
  EXPECT_EQ(engine.resolve(problem_of({16})).isa, Isa::portable);
  EXPECT_EQ(engine.resolve(problem_of({16})).block_m, 48);
}

TEST(Champions, StepBackWholeWhereTheyCannotRun) {
  if (running_isa() == Isa::portable) GTEST_SKIP() << "needs AVX2: portable has no streaming stores";
  const ChampionTable table = {champion_of(ShapeClass::decode, {.block_m = 48, .store = StoreMode::streaming})};
  const Engine engine({.champions = table});
  EXPECT_EQ(engine.resolve(problem_of({16})).store, StoreMode::streaming);
  const Problem nvfp4 = problem_of({16}, Op::plain, OutputType::nvfp4);
  EXPECT_EQ(engine.resolve(nvfp4), Engine().resolve(nvfp4));
  EXPECT_EQ(engine.champion(nvfp4), nullptr);
}

TEST(Champions, StepBackWhereTheCallersFieldsForbidThem) {
  const ChampionTable table = {
      champion_of(ShapeClass::decode, {.block_m = 48, .dequant_stages = 2, .roles = Roles::specialised})};
  const Engine engine({.cpu = {.threads = 1}, .champions = table});
  EXPECT_EQ(engine.resolve(problem_of({16})), Engine({.cpu = {.threads = 1}}).resolve(problem_of({16})));
}

TEST(Champions, RunInCallsWithTheWorkspaceThatTheEngineNames) {
  SmallCall call(Op::plain, {0, 2, 2, 5});
  // Larger blocks than any automatic ones, for prefill only: the workspace must be enough for both classes.
  const Engine engine({.champions = {champion_of(ShapeClass::prefill, {.block_m = 512, .block_n = 1024}),
                                     champion_of(ShapeClass::decode, {.block_m = 32})}});
  EXPECT_GT(engine.workspace_bytes(call.weights, 600), Engine().workspace_bytes(call.weights, 600));
  testing::AlignedBytes workspace(engine.workspace_bytes(call.weights, call.total));
  CallReport report;
  call.args.workspace = workspace.span();
  call.args.report = &report;
  engine.grouped_gemm(call.weights, call.args);
  EXPECT_EQ(report.config.block_m, 32);
  EXPECT_EQ(call.out.back(), 3.0f * SmallCall::kK);
  const std::int64_t before = allocation_count();
  engine.grouped_gemm(call.weights, call.args);
  EXPECT_EQ(allocation_count() - before, 0);
}

TEST(Champions, KeepApplyingInACopyOfTheEngine) {
  std::optional<Engine> first(std::in_place,
                              EngineOptions{.champions = {champion_of(ShapeClass::decode, {.block_m = 48})}});
  const Engine copy = *first;
  first.reset();
  ASSERT_NE(copy.champion(problem_of({16})), nullptr);
  EXPECT_EQ(copy.champion(problem_of({16}))->config.block_m, 48);
}

TEST(Champions, ThatAreWrongAreRefusedNamingThem) {
  const auto refused = [](const ChampionTable& table) {
    return error_of([&] { const Engine engine({.champions = table}); });
  };
  const Champion good = champion_of(ShapeClass::decode, {.block_m = 48});
  Champion automatic = good;
  automatic.config.isa = Isa::automatic;
  EXPECT_NE(refused({automatic}).find("champion of plain decode (round 7) has isa=automatic"), std::string::npos);
  Champion ragged = good;
  ragged.config.block_m = 17;
  EXPECT_NE(refused({ragged}).find("block_m=17"), std::string::npos);
  EXPECT_NE(refused({good, good}).find("is the second for isa="), std::string::npos);
}

}  // namespace
}  // namespace thresher
