// The C interface never throws or crashes: every mistake becomes a status and a message.
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "small_call.hpp"
#include "thresher/thresher.h"

namespace thresher {
namespace {

using testing::SmallCall;

constexpr std::int64_t kGroups = 2;
constexpr std::int64_t kN = 48;
constexpr std::int64_t kK = 64;
constexpr std::int64_t kRows = 5;

bool error_mentions(const std::string& text) {
  return std::string(thresher_last_error()).find(text) != std::string::npos;
}

class CApi : public ::testing::Test {
 protected:
  CApi() {
    EXPECT_EQ(thresher_engine_create("threads=2", &engine_), THRESHER_OK) << thresher_last_error();
    EXPECT_EQ(thresher_weights_create(THRESHER_OP_PLAIN, kGroups, kN, kK, &plain_), THRESHER_OK);
    EXPECT_EQ(thresher_weights_create(THRESHER_OP_GATED, kGroups, kN, kK, &gated_), THRESHER_OK);
    for (std::int64_t group = 0; group < kGroups; ++group) {
      const thresher_nvfp4_view view = matrix(static_cast<float>(group + 1));
      EXPECT_EQ(thresher_weights_pack(plain_, group, &view), THRESHER_OK) << thresher_last_error();
      EXPECT_EQ(thresher_weights_pack_gated(gated_, group, &view, &view), THRESHER_OK) << thresher_last_error();
    }
    std::size_t plain_bytes = 0;
    std::size_t gated_bytes = 0;
    EXPECT_EQ(thresher_workspace_bytes(engine_, plain_, kRows, &plain_bytes), THRESHER_OK);
    EXPECT_EQ(thresher_workspace_bytes(engine_, gated_, kRows, &gated_bytes), THRESHER_OK);
    workspace_ = testing::AlignedBytes(std::max(plain_bytes, gated_bytes));
  }
  ~CApi() override {
    thresher_engine_destroy(engine_);
    thresher_weights_destroy(plain_);
    thresher_weights_destroy(gated_);
  }

  [[nodiscard]] thresher_nvfp4_view matrix(float global_scale) const {
    return {codes_.data(), scales_.data(), global_scale, THRESHER_SCALES_ROW_MAJOR, kN, kK};
  }

  thresher_args arguments() {
    thresher_args args = {};
    args.struct_size = sizeof args;
    args.a = {THRESHER_OPERAND_NVFP4, codes_.data(), scales_.data(), &one_, 1, kRows, kK};
    args.offsets = offsets_;
    args.offset_count = kGroups + 1;
    args.out = {THRESHER_OUTPUT_FP32, out_, nullptr, 1.0f, kRows, kN};
    args.workspace = workspace_.data();
    args.workspace_bytes = workspace_.span().size();
    return args;
  }

  thresher_status run(const thresher_args& args) { return thresher_grouped_gemm(engine_, plain_, &args); }

  thresher_engine* engine_ = nullptr;
  thresher_weights* plain_ = nullptr;
  thresher_weights* gated_ = nullptr;
  std::vector<std::uint8_t> codes_ = std::vector<std::uint8_t>(kN * kK / 2, testing::kTwoOnes);
  std::vector<std::uint8_t> scales_ = std::vector<std::uint8_t>(kN * kK / 16, testing::kScaleOne);
  float one_ = 1.0f;
  std::int32_t offsets_[kGroups + 1] = {0, 2, kRows};
  float out_[kRows * kN] = {};
  testing::AlignedBytes workspace_{0};
};

TEST_F(CApi, RunsBothOpsAndReports) {
  thresher_args args = arguments();
  thresher_call_report report = {};
  args.report = &report;
  ASSERT_EQ(run(args), THRESHER_OK) << thresher_last_error();
  EXPECT_EQ(out_[0], 64.0f);
  EXPECT_EQ(out_[kRows * kN - 1], 128.0f);
  EXPECT_GT(report.isa, 0);
  EXPECT_GT(report.tasks, 0);
  args.activation.kind = THRESHER_RELU2;
  ASSERT_EQ(thresher_grouped_gated_gemm(engine_, gated_, &args), THRESHER_OK) << thresher_last_error();
  EXPECT_EQ(out_[0], 64.0f * 64.0f * 64.0f);
}

TEST_F(CApi, RefusesAReportThatLiesInOtherMemoryOfTheCall) {
  thresher_args args = arguments();
  args.report = reinterpret_cast<thresher_call_report*>(&out_[2]);
  EXPECT_EQ(run(args), THRESHER_INVALID_ARGUMENT);
  EXPECT_TRUE(error_mentions("report (72 bytes at 0x") && error_mentions("overlaps with out.data"))
      << thresher_last_error();
  args.report = reinterpret_cast<thresher_call_report*>(workspace_.data() + 64);
  EXPECT_EQ(run(args), THRESHER_INVALID_ARGUMENT);
  EXPECT_TRUE(error_mentions("overlaps with workspace")) << thresher_last_error();
  args.report = reinterpret_cast<thresher_call_report*>(scales_.data() + 8);
  args.activation.kind = THRESHER_SILU;
  EXPECT_EQ(thresher_grouped_gated_gemm(engine_, gated_, &args), THRESHER_INVALID_ARGUMENT);
  EXPECT_TRUE(error_mentions("overlaps with a.scales")) << thresher_last_error();
  EXPECT_EQ(out_[2], 0.0f);
  // What is wrong with the sizes is said first: the check of places takes them as good.
  args.a.rows = -1;
  EXPECT_EQ(run(args), THRESHER_INVALID_ARGUMENT);
  EXPECT_TRUE(error_mentions("a.rows is -1")) << thresher_last_error();
}

TEST_F(CApi, RefusesEveryNullPointer) {
  const thresher_args args = arguments();
  const thresher_nvfp4_view view = matrix(1.0f);
  std::size_t bytes = 0;
  EXPECT_EQ(thresher_engine_create("", nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_TRUE(error_mentions("'engine' is null"));
  EXPECT_EQ(thresher_weights_create(0, 1, 1, 16, nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_weights_pack(nullptr, 0, &view), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_weights_pack(plain_, 0, nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_weights_pack_gated(gated_, 0, nullptr, &view), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_weights_pack_gated(gated_, 0, &view, nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_TRUE(error_mentions("'up' is null"));
  EXPECT_EQ(thresher_weights_bytes(nullptr, &bytes), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_weights_bytes(plain_, nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_workspace_bytes(nullptr, plain_, 1, &bytes), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_workspace_bytes(engine_, nullptr, 1, &bytes), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_workspace_bytes(engine_, plain_, 1, nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_grouped_gemm(nullptr, plain_, &args), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_grouped_gemm(engine_, nullptr, &args), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_grouped_gated_gemm(engine_, gated_, nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_TRUE(error_mentions("'args' is null"));
  EXPECT_EQ(thresher_isa(0, nullptr), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_engine_resolve(engine_, plain_, offsets_, 3, 0, nullptr, 0, nullptr), THRESHER_INVALID_ARGUMENT);
  thresher_engine_destroy(nullptr);
  thresher_weights_destroy(nullptr);
}

TEST_F(CApi, RefusesArgumentsThatDisagreeWithThemselves) {
  const auto refused = [&](void (*change)(thresher_args&), const std::string& words) {
    thresher_args args = arguments();
    change(args);
    EXPECT_EQ(run(args), THRESHER_INVALID_ARGUMENT) << words;
    EXPECT_TRUE(error_mentions(words)) << thresher_last_error();
  };
  refused([](thresher_args& a) { a.struct_size = 8; }, "struct_size is 8");
  refused([](thresher_args& a) { a.offset_count = -1; }, "offsets has a count of -1");
  refused([](thresher_args& a) { a.offsets = nullptr; }, "offsets is null but its count is 3");
  refused([](thresher_args& a) { a.bias_count = 96; }, "bias is null but its count is 96");
  refused([](thresher_args& a) { a.bias = a.a.global_scales; }, "bias is given but its count is 0");
  refused([](thresher_args& a) { a.a.global_scale_count = 0; }, "a.global_scales is given but its count is 0");
  refused([](thresher_args& a) { a.workspace = nullptr; }, "workspace is null but workspace_bytes is");
  refused([](thresher_args& a) { a.out.n = 47; }, "out.n is 47");
  refused([](thresher_args& a) { a.a.type = 12; }, "a.type is 12");
}

TEST_F(CApi, SetsHandlesToNullOnFailure) {
  auto* engine = reinterpret_cast<thresher_engine*>(0x10);
  EXPECT_EQ(thresher_engine_create("block_q=1", &engine), THRESHER_PARSE);
  EXPECT_EQ(engine, nullptr);
  EXPECT_TRUE(error_mentions("'block_q'"));
  auto* weights = reinterpret_cast<thresher_weights*>(0x10);
  EXPECT_EQ(thresher_weights_create(THRESHER_OP_PLAIN, 1, 8, 20, &weights), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(weights, nullptr);
  EXPECT_EQ(thresher_weights_create(THRESHER_OP_PLAIN, 1 << 30, 1 << 30, 1 << 30, &weights), THRESHER_OUT_OF_MEMORY);
}

TEST_F(CApi, KeepsTheMessageOfEachThread) {
  EXPECT_EQ(thresher_isa(-7, nullptr), THRESHER_INVALID_ARGUMENT);
  const std::string here = thresher_last_error();
  std::string there = "unset";
  std::thread([&] { there = thresher_last_error(); }).join();
  EXPECT_EQ(there, "");
  EXPECT_EQ(thresher_last_error(), here);
}

TEST_F(CApi, CutsMessagesThatAreTooLong) {
  thresher_engine* engine = nullptr;
  EXPECT_EQ(thresher_engine_create(std::string(5000, 'x').c_str(), &engine), THRESHER_PARSE);
  EXPECT_EQ(std::string(thresher_last_error()).size(), 1023U);
}

TEST_F(CApi, TellsTheResolvedConfigAndItsSize) {
  std::size_t needed = 0;
  ASSERT_EQ(thresher_engine_resolve(engine_, plain_, offsets_, 3, THRESHER_OUTPUT_FP16, nullptr, 0, &needed),
            THRESHER_OK)
      << thresher_last_error();
  std::string text(needed, '?');
  EXPECT_EQ(thresher_engine_resolve(engine_, plain_, offsets_, 3, 0, text.data(), needed - 1, &needed),
            THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(text, std::string(needed, '?'));
  ASSERT_EQ(thresher_engine_resolve(engine_, plain_, offsets_, 3, 0, text.data(), needed, &needed), THRESHER_OK);
  const CpuConfig config = cpu_config_from_text(text.c_str());
  EXPECT_EQ(config.threads, 2);
  EXPECT_NE(config.isa, Isa::automatic);
  const std::int32_t descending[] = {0, 4, 2};
  EXPECT_EQ(thresher_engine_resolve(engine_, plain_, descending, 3, 0, nullptr, 0, &needed), THRESHER_INVALID_ARGUMENT);
  EXPECT_EQ(thresher_engine_resolve(engine_, plain_, descending, 2, 0, nullptr, 0, &needed), THRESHER_INVALID_ARGUMENT);
}

TEST_F(CApi, ListsInstructionSetsByName) {
  const std::int32_t count = thresher_isa_count();
  ASSERT_EQ(static_cast<std::size_t>(count), cpu_isas().size());
  thresher_isa_info info = {};
  ASSERT_EQ(thresher_isa(count - 1, &info), THRESHER_OK);
  EXPECT_STREQ(info.name, "portable");
  EXPECT_EQ(info.usable, 1);
  EXPECT_STREQ(info.why_not, "");
  EXPECT_EQ(thresher_isa(count, &info), THRESHER_INVALID_ARGUMENT);
}

TEST_F(CApi, NamesStatusesAndVersion) {
  EXPECT_STREQ(thresher_status_name(THRESHER_OK), "ok");
  EXPECT_STREQ(thresher_status_name(THRESHER_INTERNAL), to_string(ErrorCode::internal));
  EXPECT_STREQ(thresher_status_name(8), "unknown");
  EXPECT_STREQ(thresher_status_name(-1), "unknown");
  EXPECT_EQ(std::string(thresher_version()), std::to_string(THRESHER_VERSION_MAJOR) + "." +
                                                 std::to_string(THRESHER_VERSION_MINOR) + "." +
                                                 std::to_string(THRESHER_VERSION_PATCH));
}

// The enums of the C header are written out, so that C reads them; they must be the C++ ones.
static_assert(THRESHER_INTERNAL == static_cast<int>(ErrorCode::internal));
static_assert(THRESHER_ENVIRONMENT == static_cast<int>(ErrorCode::environment));
static_assert(THRESHER_PARSE == static_cast<int>(ErrorCode::parse));
static_assert(THRESHER_IO == static_cast<int>(ErrorCode::io));
static_assert(THRESHER_OUT_OF_MEMORY == static_cast<int>(ErrorCode::out_of_memory));
static_assert(THRESHER_UNSUPPORTED == static_cast<int>(ErrorCode::unsupported));
static_assert(THRESHER_INVALID_ARGUMENT == static_cast<int>(ErrorCode::invalid_argument));
static_assert(THRESHER_OP_GATED == static_cast<int>(Op::gated));
static_assert(THRESHER_OPERAND_FP16 == static_cast<int>(OperandType::fp16));
static_assert(THRESHER_OPERAND_BF16 == static_cast<int>(OperandType::bf16));
static_assert(THRESHER_OUTPUT_BF16 == static_cast<int>(OutputType::bf16));
static_assert(THRESHER_OUTPUT_FP32 == static_cast<int>(OutputType::fp32));
static_assert(THRESHER_OUTPUT_NVFP4 == static_cast<int>(OutputType::nvfp4));
static_assert(THRESHER_SWIGLU_OAI == static_cast<int>(ActivationKind::swiglu_oai));
static_assert(THRESHER_GELU_TANH == static_cast<int>(ActivationKind::gelu_tanh));
static_assert(THRESHER_RELU2 == static_cast<int>(ActivationKind::relu2));
static_assert(THRESHER_SCALES_SWIZZLED_128X4 == static_cast<int>(ScaleLayout::swizzled_128x4));

}  // namespace
}  // namespace thresher
