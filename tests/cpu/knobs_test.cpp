// Each knob changes what runs, none changes the result, and what can't run is refused in words.
#include "cpu/grouped_gemm.hpp"
#include "cpu/run_problem.hpp"
#include "cpu/workspace.hpp"

namespace thresher::testing {
namespace {

class Knobs : public ::testing::TestWithParam<Isa> {
 protected:
  // 300 rows are two token blocks of the default; 200 columns are 13 panels, the last one partly filled.
  Knobs() : data_(generate({.op = Op::gated, .m = {9, 0, 300}, .n = 200, .k = 544}, Recipe::normal, 4)) {}

  CallReport correct(const CpuConfig& config) { return expect_correct(data_, config); }
  [[nodiscard]] CpuConfig base() const {
    return {.isa = GetParam(),
            .block_m = 128,
            .block_n = 64,
            .block_k = 128,
            .dequant_stages = 1,
            .prefetch_distance = 0,
            .threads = 1};
  }

  ProblemData data_;
};

INSTANTIATE_TEST_SUITE_P(Isa, Knobs, ::testing::ValuesIn(usable_isas()), isa_name);

constexpr std::int64_t kPanels = 13;  // ceil(200 / 16)

TEST_P(Knobs, BlockMSetsTheTokensOfATask) {
  CpuConfig c = base();
  EXPECT_EQ(correct(c).token_blocks, 1 + 3);  // 9 | 300 as three blocks of at most 128
  c.block_m = 512;
  EXPECT_EQ(correct(c).token_blocks, 1 + 1);
  c.block_m = 16;
  EXPECT_EQ(correct(c).token_blocks, 1 + 19);
}

TEST_P(Knobs, BlockNSetsTheColumnsOfATask) {
  CpuConfig c = base();
  EXPECT_EQ(correct(c).tasks, 4 * 4);  // 13 panels in tasks of 4
  c.block_n = 32;
  EXPECT_EQ(correct(c).tasks, 4 * 7);
  c.block_n = 256;
  EXPECT_EQ(correct(c).tasks, 4 * 1);
}

TEST_P(Knobs, BlockKSetsTheDepthOfAPanel) {
  CpuConfig c = base();
  EXPECT_EQ(correct(c).panels_dequantised, 4 * kPanels * 5);  // 544 / 128 -> 5 k blocks
  c.block_k = 32;
  EXPECT_EQ(correct(c).panels_dequantised, 4 * kPanels * 17);
  c.block_k = 1024;
  EXPECT_EQ(correct(c).panels_dequantised, 4 * kPanels * 1);
}

TEST_P(Knobs, DequantStagesOverlapDequantisingWithMultiplying) {
  CpuConfig c = base();
  EXPECT_EQ(correct(c).panels_ahead, 0);
  c.dequant_stages = 2;
  EXPECT_EQ(correct(c).panels_ahead, 4 * kPanels * 5 - 16);  // all but the first panel of each of the 16 tasks
  c.dequant_stages = 4;
  EXPECT_EQ(correct(c).panels_ahead, 4 * kPanels * 5 - 3 * 16);
}

TEST_P(Knobs, PrefetchDistanceAsksForLinesAhead) {
  CpuConfig c = base();
  EXPECT_EQ(correct(c).lines_prefetched, 0);
  c.prefetch_distance = 576;
  EXPECT_EQ(correct(c).lines_prefetched, 4 * kPanels * 17 * 9);  // 9 lines a step of 32 k
}

TEST_P(Knobs, StreamingStoresGoPastTheCache) {
  CpuConfig c = base();
  EXPECT_EQ(correct(c).lines_streamed, 0);
  c.store = StoreMode::streaming;
  if (GetParam() == Isa::portable) {
    EXPECT_THROW(correct(c), Error);
    return;
  }
  // A row is 400 bytes, so only every fourth row starts on a 64-byte line; its six whole lines are streamed.
  EXPECT_GE(correct(c).lines_streamed, 6 * (309 / 4));
}

TEST_P(Knobs, SpecialisedThreadsHandPanelsOver) {
  CpuConfig c = base();
  c.threads = 2;
  c.dequant_stages = 3;
  EXPECT_EQ(correct(c).panels_handed_over, 0);
  c.roles = Roles::specialised;
  const CallReport report = correct(c);
  if (report.threads < 2) GTEST_SKIP() << "OpenMP gave one thread";
  EXPECT_EQ(report.panels_handed_over, report.panels_dequantised);
  EXPECT_EQ(report.panels_dequantised, 4 * kPanels * 5);
  c.threads = 3;  // a pair and one alone
  EXPECT_EQ(correct(c).panels_dequantised, 4 * kPanels * 5);
}

TEST_P(Knobs, ThreadsTakePart) {
  CpuConfig c = base();
  EXPECT_EQ(correct(c).threads, 1);
  c.threads = 2;
  EXPECT_EQ(correct(c).threads, 2);
}

// Every config gives the same bits for `data`, with k blocks of 128.
void expect_same_bits(const ProblemData& data, Isa isa) {
  const PackedWeights weights = pack(data);
  std::vector<std::uint8_t> first;
  for (const char* text : {"dequant_stages=1", "", "block_m=16", "block_n=32", "block_n=512", "dequant_stages=4",
                           "prefetch_distance=4096", "threads=3,roles=specialised,dequant_stages=2"}) {
    CpuConfig c = cpu_config_from_text(text);
    c.isa = isa;
    c.block_k = 128;
    GuardedOutput out(data);
    run(data, weights, c, out);
    if (first.empty()) first = out.bytes();
    EXPECT_EQ(out.bytes(), first) << text;
  }
}

TEST_P(Knobs, NeverChangeABit) {
  expect_same_bits(data_, GetParam());
}

// Up to 12 or 16 tokens are multiplied without a buffer where dequant_stages = 1.
TEST_P(Knobs, NeverChangeABitOfAFewTokens) {
  for (const OperandType operand : {OperandType::nvfp4, OperandType::fp16, OperandType::bf16}) {
    SCOPED_TRACE(to_string(operand));
    expect_same_bits(
        generate({.op = Op::gated, .m = {1, 12, 16, 17}, .n = 48, .k = 400, .operand = operand}, Recipe::normal, 5),
        GetParam());
  }
}

TEST(WhyInvalid, NamesTheKnobItsValueAndTheWayOut) {
  const auto why = [](const char* text, OutputType output = OutputType::fp16) {
    return cpu::why_invalid(cpu_config_from_text(text), output).value_or("");
  };
  EXPECT_EQ(why(""), "");
  EXPECT_NE(why("block_m=17").find("block_m=17 can't run: it must be 0 (automatic) or a multiple of 16"),
            std::string::npos);
  EXPECT_NE(why("block_n=16").find("block_n=16"), std::string::npos);
  EXPECT_NE(why("block_k=-32").find("block_k=-32"), std::string::npos);
  EXPECT_NE(why("block_k=131072").find("up to 65536"), std::string::npos);
  EXPECT_NE(why("dequant_stages=9").find("dequant_stages=9"), std::string::npos);
  EXPECT_NE(why("prefetch_distance=-2").find("prefetch_distance=-2"), std::string::npos);
  EXPECT_NE(why("threads=-1").find("threads=-1"), std::string::npos);
  EXPECT_NE(why("store=streaming", OutputType::nvfp4).find("store=cached"), std::string::npos);
  EXPECT_NE(why("store=streaming,isa=portable").find("store=cached"), std::string::npos);
  EXPECT_NE(why("roles=specialised,dequant_stages=1").find("dequant_stages >= 2"), std::string::npos);
  EXPECT_NE(why("roles=specialised,threads=1").find("threads >= 2"), std::string::npos);
}

TEST(Resolve, LeavesNothingAutomatic) {
  const CpuConfig c = cpu::resolve({}, {Op::gated, 8, 1024, 248, 4096, 7168}, OutputType::fp16);
  EXPECT_NE(c.isa, Isa::automatic);
  EXPECT_GT(c.block_m, 0);
  EXPECT_GT(c.block_n, 0);
  EXPECT_GT(c.block_k, 0);
  EXPECT_GT(c.dequant_stages, 0);
  EXPECT_GE(c.prefetch_distance, 0);
  EXPECT_GT(c.threads, 0);
}

// The same rows are decode when spread over the groups and prefill when they are all in one.
TEST_P(Knobs, AllResolveToWhatTheWorkspaceHolds) {
  const WeightsShape shape{Op::gated, 4, 32, 1024};
  constexpr std::int64_t kRows = 40;
  const CpuConfig config{.isa = GetParam(), .threads = 2};
  for (std::int64_t groups = 1; groups <= shape.groups; ++groups) {
    const cpu::ShapeSummary summary{.op = shape.op,
                                    .groups = shape.groups,
                                    .total_m = kRows,
                                    .largest_m = kRows - groups + 1,
                                    .n = shape.n,
                                    .k = shape.k,
                                    .groups_with_rows = groups};
    const CpuConfig resolved = cpu::resolve(config, summary, OutputType::fp32);
    EXPECT_LE(cpu::layout_workspace(resolved, shape, kRows).total, cpu::workspace_bytes(config, shape, kRows))
        << to_text(resolved);
  }
}

TEST(WorkspaceBytes, CoversEveryDistributionOfTheSameRows) {
  const WeightsShape shape{Op::gated, 6, 100, 96};
  PackedWeights weights(shape);
  const Engine engine;
  for (const std::vector<std::int64_t>& m :
       {std::vector<std::int64_t>{60, 0, 0, 0, 0, 0}, {10, 10, 10, 10, 10, 10}, {1, 1, 1, 1, 1, 55}}) {
    const Problem p{.op = Op::gated, .m = m, .n = 100, .k = 96};
    expect_correct(generate(p, Recipe::normal, 3), {});  // run() gives exactly workspace_bytes() and guards its end
  }
  EXPECT_GT(engine.workspace_bytes(weights, 60), 0U);
}

}  // namespace
}  // namespace thresher::testing
