// Every default variant of the Hopper kernels compiles, without a GPU: no spills that matter, no serialised products.
#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "device/environment.hpp"
#include "gpu/compiler.hpp"
#include "gpu/kernel_registry.hpp"
#include "gpu/sm90_kernel.hpp"

namespace thresher::gpu {
namespace {

struct Variant {
  const char* name;
  std::int64_t rows_per_group;  // what the knobs are chosen for
  Sm90Traits traits;
};

// Each shape class with each op; each type, activation and the bias once, on the shape that compiles fastest.
const Variant kVariants[] = {
    {"few_tokens", 4, {.op = Op::gated}},
    {"some_tokens", 40, {.op = Op::gated}},
    {"many_tokens", 128, {.op = Op::gated}},
    {"most_tokens", 256, {.op = Op::gated}},
    {"plain_few_tokens", 4, {.op = Op::plain}},
    {"plain_many_tokens", 128, {.op = Op::plain}},
    {"bf16", 40, {.op = Op::gated, .operand = OperandType::bf16, .output = OutputType::bf16}},
    {"fp16_operand", 4, {.op = Op::plain, .operand = OperandType::fp16, .output = OutputType::fp32}},
    {"nvfp4_output",
     4,
     {.op = Op::gated, .output = OutputType::nvfp4, .activation = ActivationKind::swiglu_oai, .bias = true}},
    {"gelu", 4, {.op = Op::gated, .operand = OperandType::bf16, .activation = ActivationKind::gelu_tanh}},
    {"relu2_plain_bias", 4, {.op = Op::gated, .activation = ActivationKind::relu2, .bias = true}},
};

class Sm90Compile : public ::testing::TestWithParam<Variant> {};

const Compiler& compiler() {
  static const Compiler one{Nvrtc::load(nvrtc_search(device::read_environment())), std::nullopt};
  return one;
}

TEST_P(Sm90Compile, DefaultVariantNeitherSpillsNorSerialisesProducts) {
  if (compiler().nvrtc().nvrtc == nullptr) GTEST_SKIP() << compiler().nvrtc().why_not;
  const Variant& variant = GetParam();
  const Sm90Config config = resolve({}, variant.traits, {.rows = variant.rows_per_group, .n = 1 << 20});
  ASSERT_EQ(why_not(config, variant.traits), "");
  const auto compiled = compiler().compile(sm90_multiply(config, variant.traits));
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(compiled)) << std::get<CompileFailure>(compiled).reason << "\n"
                                                                << std::get<CompileFailure>(compiled).log;
  const ResourceEvidence& evidence = std::get<CompiledKernel>(compiled).evidence;
  EXPECT_FALSE(evidence.wgmma_serialized) << to_text(config);
  // NOTE: none but the plain op at its widest tile, which puts six values of a tile aside; sums, fragments and codes,
  // which would cost time, are hundreds of bytes.
  const bool widest_plain = variant.traits.op == Op::plain && config.tile_tokens * config.tile_rows >= 256 * 128;
  EXPECT_LE(evidence.spill_store_bytes, widest_plain ? 24 : 0) << to_text(config);
  ASSERT_TRUE(evidence.occupancy.has_value());
  EXPECT_EQ(evidence.occupancy->ctas_per_sm, 1);
}

TEST_P(Sm90Compile, TokenPreparationCompiles) {
  if (compiler().nvrtc().nvrtc == nullptr) GTEST_SKIP() << compiler().nvrtc().why_not;
  const Sm90Config config = resolve({}, GetParam().traits, {.rows = 4});
  const auto compiled = compiler().compile(sm90_prepare(config, GetParam().traits));
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(compiled)) << std::get<CompileFailure>(compiled).log;
  EXPECT_FALSE(std::get<CompiledKernel>(compiled).evidence.uses_local_memory());
}

INSTANTIATE_TEST_SUITE_P(All, Sm90Compile, ::testing::ValuesIn(kVariants),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace thresher::gpu
