// The Hopper kernels on a GPU against the reference: random problems, every type and knob, graphs, streams, repeats.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "device_problem.hpp"
#include "gpu/launch.hpp"
#include "gpu/sm90_config.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

class GpuGemm : public ::testing::Test {
 protected:
  void SetUp() override {
    const DriverLoad& load = Driver::load();
    if (load.driver == nullptr) GTEST_SKIP() << "needs a Hopper GPU: " << load.why_not;
    const std::vector<GpuInfo> gpus = list_gpus(*load.driver);
    if (gpus.empty()) GTEST_SKIP() << "needs a Hopper GPU: there is none";
    if (const auto reason = why_unusable(gpus.front())) GTEST_SKIP() << *reason;
    context = PrimaryContext::open(load.driver, 0);
  }
  ContextRef context;
};

// Shapes at the edges of everything, small enough for the reference.
Problem random_shape(std::mt19937& random, Problem problem, std::int64_t most_rows) {
  const auto pick = [&](std::initializer_list<std::int64_t> values) {
    return values.begin()[random() % values.size()];
  };
  const std::size_t groups = 1 + random() % 5;
  problem.n = problem.output == OutputType::nvfp4 ? pick({16, 32, 112, 240})
                                                  : pick({1, 7, 15, 16, 17, 32, 33, 64, 100, 129, 260});
  problem.k = pick({16, 32, 48, 64, 80, 128, 144, 192, 272, 512, 1024});
  problem.m.clear();
  for (std::size_t g = 0; g < groups; ++g)
    problem.m.push_back(
        std::min(pick({0, 0, 1, 2, 7, 8, 9, 15, 17, 31, 40, 63, 65, 96, 127, 130, 200, 257}), most_rows));
  return problem;
}

struct Trial {
  const char* name;
  const char* config;
  Problem problem;
  std::int64_t most_rows = 300;
  int seeds = 12;
};

std::vector<Trial> trials() {
  Problem gated, plain;
  plain.op = Op::plain;
  gated.output = plain.output = OutputType::fp32;
  const auto with = [](Problem p, OperandType operand, OutputType output, ActivationKind kind = ActivationKind::silu,
                       bool bias = false) {
    p.operand = operand;
    p.output = output;
    p.activation.kind = kind;
    p.bias = bias;
    return p;
  };
  using enum OperandType;
  return {
      {"chosen_gated", "", gated},
      {"chosen_plain", "", plain},
      {"warp_products", "tile_tokens=16", gated, 40},
      {"warp_products_bf16", "tile_tokens=16", with(gated, bf16, OutputType::bf16), 40},
      {"warp_products_4_consumers", "tile_tokens=8,tile_rows=256,consumers=4,products=warp,tile_k=64", plain, 40},
      {"static_tiles", "tile_tokens=32,scheduler=static_tiles", gated},
      {"one_consumer", "tile_tokens=32,tile_rows=64", gated},
      {"one_row_block", "tile_tokens=48,tile_rows=128,tile_k=64", plain},
      {"one_row_block_tile_k_128", "tile_tokens=32,tile_rows=128,tile_k=128", gated},
      {"four_consumers", "tile_tokens=32,tile_rows=256,consumers=4", gated},
      {"rows_512", "tile_tokens=16,tile_rows=512,products=warpgroup,tile_k=64", plain, 60},
      {"two_stages", "tile_tokens=32,ab_stages=2", gated},
      {"always_full_tiles", "tile_tokens=64,token_step=64", gated},
      {"step_32", "tile_tokens=64,token_step=32,stage_overhead=0", gated},
      {"most_tokens", "tile_tokens=256", gated, 600, 8},
      {"fp16_tokens", "tile_tokens=32", with(gated, fp16, OutputType::fp16)},
      {"bf16_tokens", "tile_tokens=32", with(gated, bf16, OutputType::bf16)},
      {"nvfp4_result", "tile_tokens=32", with(gated, nvfp4, OutputType::nvfp4)},
      {"nvfp4_result_plain", "tile_tokens=32", with(plain, nvfp4, OutputType::nvfp4)},
      {"swiglu_oai_bias", "tile_tokens=32", with(gated, nvfp4, OutputType::fp32, ActivationKind::swiglu_oai, true)},
      {"gelu_tanh", "tile_tokens=32", with(gated, nvfp4, OutputType::fp32, ActivationKind::gelu_tanh)},
      {"relu2", "tile_tokens=32", with(gated, nvfp4, OutputType::bf16, ActivationKind::relu2, true)},
      {"plain_bias_fp16", "tile_tokens=32", with(plain, fp16, OutputType::fp16, ActivationKind::silu, true)},
  };
}

class GpuGemmTrial : public GpuGemm, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(GpuGemmTrial, AgreesWithTheReferenceOnRandomProblems) {
  const Trial trial = trials()[GetParam()];
  const Sm90Config config = sm90_config_from_text(trial.config);
  ASSERT_EQ(why_invalid(config), "");
  const GpuEngine engine({.sm90 = config});
  std::mt19937 random(static_cast<unsigned>(GetParam()) + 1);
  const Stream stream(context);
  for (int seed = 1; seed <= trial.seeds; ++seed) {
    const Problem problem = random_shape(random, trial.problem, trial.most_rows);
    const Recipe recipe = kRecipes[random() % std::size(kRecipes)];
    const ProblemData data = generate(problem, recipe, static_cast<std::uint64_t>(seed));
    const reference::Result truth = reference::compute(data);
    DeviceProblem on_device(engine, context, data);
    std::vector<std::uint8_t> first;
    for (const unsigned char poison : std::initializer_list<unsigned char>{0xFF, 0x5A}) {
      on_device.poison(poison);
      on_device.run(engine, stream.get());
      stream.synchronize();
      std::string shape = "m =";
      for (const std::int64_t m : problem.m)
        shape += " " + std::to_string(m);
      ASSERT_EQ(on_device.compare(truth), "") << trial.name << " seed " << seed << " n " << problem.n << " k "
                                              << problem.k << " " << shape << " " << to_string(recipe);
      ASSERT_TRUE(on_device.guards_intact()) << trial.name << " seed " << seed;
      if (first.empty()) first = on_device.result();
      ASSERT_EQ(first, on_device.result()) << "the bits differ from run to run";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GpuGemmTrial, ::testing::Range(std::size_t{0}, trials().size()),
                         [](const auto& one) { return std::string(trials()[one.param].name); });

ProblemData balanced(std::int64_t groups, std::int64_t m, std::int64_t n, std::int64_t k) {
  return generate(
      {.op = Op::gated, .m = std::vector<std::int64_t>(static_cast<std::size_t>(groups), m), .n = n, .k = k},
      Recipe::normal, 5);
}

TEST_F(GpuGemm, ThousandCallsGiveTheSameBits) {
  const ProblemData data = balanced(5, 33, 640, 1024);
  const GpuEngine engine({.sm90 = sm90_config_from_text("tile_tokens=32")});
  DeviceProblem problem(engine, context, data);
  const Stream stream(context);
  problem.poison(0xFF);
  problem.run(engine, stream.get());
  stream.synchronize();
  const std::vector<std::uint8_t> first = problem.result();
  ASSERT_EQ(problem.compare(reference::compute(data)), "");
  for (int call = 0; call < 1000; ++call)
    problem.run(engine, stream.get());
  stream.synchronize();
  EXPECT_EQ(problem.result(), first);
}

TEST_F(GpuGemm, CapturedGraphFollowsOffsetsThatChangeUnderIt) {
  ProblemData data = balanced(4, 24, 256, 512);
  const GpuEngine engine({.sm90 = sm90_config_from_text("tile_tokens=32")});
  engine.prepare(data.problem);
  DeviceProblem problem(engine, context, data);
  const Stream stream(context);
  problem.poison(0xFF);
  const Graph graph(context, stream.get(), [&] { problem.run(engine, stream.get()); });
  for (const std::vector<std::int32_t>& offsets :
       {std::vector<std::int32_t>{0, 24, 48, 72, 96}, {0, 0, 96, 96, 96}, {0, 1, 50, 51, 96}}) {
    problem.set_offsets(offsets);
    graph.launch(stream.get());
    stream.synchronize();
    data.offsets = offsets;
    for (std::size_t g = 0; g + 1 < offsets.size(); ++g)
      data.problem.m[g] = offsets[g + 1] - offsets[g];
    EXPECT_EQ(problem.compare(reference::compute(data)), "") << "offsets[1] = " << offsets[1];
  }
}

TEST_F(GpuGemm, TwoStreamsAtOnceDoNotDisturbEachOther) {
  const ProblemData one = balanced(3, 40, 512, 1024), two = balanced(2, 70, 384, 2048);
  const GpuEngine engine({.sm90 = sm90_config_from_text("tile_tokens=32")});
  DeviceProblem a(engine, context, one), b(engine, context, two);
  const Stream left(context), right(context);
  a.poison(0xFF);
  b.poison(0xFF);
  for (int i = 0; i < 50; ++i) {
    a.run(engine, left.get());
    b.run(engine, right.get());
  }
  left.synchronize();
  right.synchronize();
  EXPECT_EQ(a.compare(reference::compute(one)), "");
  EXPECT_EQ(b.compare(reference::compute(two)), "");
}

TEST_F(GpuGemm, IntegersAreExact) {
  const Problem problem{.op = Op::plain, .m = {9, 0, 50}, .n = 96, .k = 640, .output = OutputType::fp32};
  const ProblemData data = generate(problem, Recipe::integers, 3);
  const GpuEngine engine({.sm90 = sm90_config_from_text("tile_tokens=32")});
  DeviceProblem on_device(engine, context, data);
  const Stream stream(context);
  on_device.poison(0xFF);
  on_device.run(engine, stream.get());
  stream.synchronize();
  std::vector<std::uint8_t> bytes = on_device.result();
  const OutputView view{.type = problem.output, .data = bytes.data(), .rows = problem.total_m(), .n = problem.n};
  const reference::Comparison exact = reference::compare_bitwise_integers(reference::compute(data), data, view);
  EXPECT_TRUE(exact.ok()) << exact.first_failure;
}

TEST_F(GpuGemm, NoRowsAtAllIsNoWork) {
  const ProblemData data = generate({.op = Op::gated, .m = {0, 0}, .n = 64, .k = 64}, Recipe::normal, 1);
  const GpuEngine engine;
  DeviceProblem problem(engine, context, data);
  problem.poison(0xFF);
  const Stream stream(context);
  EXPECT_NO_THROW(problem.run(engine, stream.get()));
  stream.synchronize();
  EXPECT_TRUE(problem.guards_intact());
}

TEST_F(GpuGemm, MisuseIsRefusedWithTheFieldAndTheWayOut) {
  const ProblemData data = balanced(1, 8, 32, 64);
  const GpuEngine engine;
  GpuWeights weights(engine, {.op = Op::gated, .groups = 1, .n = 32, .k = 64});
  GpuGroupedGemmArgs args;
  args.rows = 8;
  try {
    engine.grouped_gated_gemm(weights, args);
    FAIL() << "null offsets were accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("offsets is null"), std::string::npos) << error.what();
  }
  EXPECT_THROW(engine.grouped_gemm(weights, args), Error);
  EXPECT_THROW(weights.pack(1, data.gate[0].view(), data.up[0].view()), Error);
}

}  // namespace
}  // namespace thresher::gpu
