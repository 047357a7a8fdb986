// Every wrong argument of a call is refused before any work, by a message that names the value and the way out.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "engine/validate_call.hpp"
#include "small_call.hpp"

namespace thresher {
namespace {

using testing::error_of;
using testing::SmallCall;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <typename T>
T* shifted(T* pointer, std::ptrdiff_t bytes) {
  return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(pointer) + static_cast<std::uintptr_t>(bytes));
}

void nvfp4_out(SmallCall& c) {
  c.args.out.type = OutputType::nvfp4;
  c.args.out.scales = c.out_scales.data();
}

// Change one thing of a valid call; the message must hold all `words`.
struct BadCall {
  const char* name;
  Op op;
  void (*change)(SmallCall&);
  std::vector<std::string> words;
  ErrorCode code = ErrorCode::invalid_argument;
};

void PrintTo(const BadCall& bad, std::ostream* out) {
  *out << bad.name;
}

const std::array kOffsetsTooFew{0, 5};
const std::array kOffsetsFromOne{1, 2, 2, 5};
const std::array kOffsetsDescending{0, 4, 2, 5};
const std::array kOffsetsShort{0, 2, 2, 4};
const std::array kScalesWithNaN{1.0f, kNaN, 1.0f};
const std::array kTwoScales{1.0f, 1.0f};

const std::vector<BadCall> kBadShapes = {
    {"AKOfOtherWeights", Op::plain, [](SmallCall& c) { c.args.a.k = 48; }, {"a.k is 48", "64"}},
    {"ARowsNegative", Op::plain, [](SmallCall& c) { c.args.a.rows = -3; }, {"a.rows is -3", "give 0 to"}},
    {"ARowsTooMany", Op::plain, [](SmallCall& c) { c.args.a.rows = 1LL << 31; }, {"a.rows is 2147483648", "splitting"}},
    {"ATypeUnknown", Op::plain, [](SmallCall& c) { c.args.a.type = OperandType{7}; }, {"a.type is 7", "2 (bf16)"}},
    {"OffsetsTooFew",
     Op::plain,
     [](SmallCall& c) { c.args.offsets = kOffsetsTooFew; },
     {"2 entries", "groups + 1 = 4"}},
    {"OffsetsEmpty", Op::plain, [](SmallCall& c) { c.args.offsets = {}; }, {"0 entries", "groups + 1 = 4"}},
    {"OffsetsFromOne",
     Op::plain,
     [](SmallCall& c) { c.args.offsets = kOffsetsFromOne; },
     {"offsets[0] is 1", "must be 0"}},
    {"OffsetsDescending",
     Op::plain,
     [](SmallCall& c) { c.args.offsets = kOffsetsDescending; },
     {"offsets[2] is 2", "offsets[1] is 4", "empty group"}},
    {"OffsetsEndEarly",
     Op::plain,
     [](SmallCall& c) { c.args.offsets = kOffsetsShort; },
     {"last offset is 4", "a.rows is 5"}},
    {"OutRowsDiffer", Op::plain, [](SmallCall& c) { c.args.out.rows = 6; }, {"out.rows is 6", "a.rows is 5"}},
    {"OutNDiffers", Op::plain, [](SmallCall& c) { c.args.out.n = 32; }, {"out.n is 32", "48"}},
    {"OutTypeUnknown",
     Op::plain,
     [](SmallCall& c) { c.args.out.type = OutputType{-1}; },
     {"out.type is -1", "2 (fp32)"}},
    {"BiasTooShort",
     Op::plain,
     [](SmallCall& c) { c.args.bias = std::span<const float>(c.bias).first(7); },
     {"bias has 7 entries", "3 * 48"}},
    {"BiasUpTooShort",
     Op::gated,
     [](SmallCall& c) { c.args.bias_up = std::span<const float>(c.bias).first(48); },
     {"bias_up has 48 entries", "3 * 48"}},
    {"BiasUpOfPlain",
     Op::plain,
     [](SmallCall& c) { c.args.bias_up = c.bias; },
     {"bias_up has 144 entries", "no up product", "use bias"}},
    {"GlobalScalesOfTwo",
     Op::plain,
     [](SmallCall& c) { c.args.a.global_scales = kTwoScales; },
     {"a.global_scales has 2 entries", "give 1", "3 groups"}},
};

const std::vector<BadCall> kBadPointers = {
    {"ADataNull", Op::plain, [](SmallCall& c) { c.args.a.data = nullptr; }, {"a.data is null", "[rows, k/2]"}},
    {"AScalesNull", Op::plain, [](SmallCall& c) { c.args.a.scales = nullptr; }, {"a.scales is null", "[rows, k/16]"}},
    {"OutDataNull", Op::plain, [](SmallCall& c) { c.args.out.data = nullptr; }, {"out.data is null", "[rows, n]"}},
    {"OutScalesNull",
     Op::plain,
     [](SmallCall& c) {
       nvfp4_out(c);
       c.args.out.scales = nullptr;
     },
     {"out.scales is null", "[rows, n/16]"}},
    {"GlobalScalesNull",
     Op::plain,
     [](SmallCall& c) { c.args.a.global_scales = std::span<const float>(static_cast<float*>(nullptr), 1); },
     {"a.global_scales is null"}},
    {"OffsetsNull",
     Op::plain,
     [](SmallCall& c) { c.args.offsets = std::span<const std::int32_t>(static_cast<std::int32_t*>(nullptr), 4); },
     {"offsets is null"}},
    {"BiasNull",
     Op::plain,
     [](SmallCall& c) { c.args.bias = std::span<const float>(static_cast<float*>(nullptr), 144); },
     {"bias is null"}},
    {"OutDataMisaligned",
     Op::plain,
     [](SmallCall& c) { c.args.out.data = shifted(c.out.data(), 2); },
     {"out.data is at 0x", "align it to 4 bytes"}},
    {"ADataMisaligned",
     Op::plain,
     [](SmallCall& c) {
       c.args.a.type = OperandType::bf16;
       c.args.a.data = shifted(c.codes.data(), 1);
     },
     {"a.data is at 0x", "align it to 2 bytes"}},
    {"BiasMisaligned",
     Op::plain,
     [](SmallCall& c) { c.args.bias = std::span<const float>(shifted(c.bias.data(), 1), 144); },
     {"bias is at 0x", "align it to 4 bytes"}},
    {"OffsetsMisaligned",
     Op::plain,
     [](SmallCall& c) { c.args.offsets = std::span<const std::int32_t>(shifted(c.offsets.data(), 1), 4); },
     {"offsets is at 0x", "align it to 4 bytes"}},
    {"WorkspaceMissing",
     Op::plain,
     [](SmallCall& c) { c.args.workspace = {}; },
     {"has 0 bytes", "needs", "workspace_bytes()"}},
    {"WorkspaceNull",
     Op::plain,
     [](SmallCall& c) {
       c.args.workspace = {static_cast<std::byte*>(nullptr), c.args.workspace.size()};
     },
     {"workspace is null", "64-byte"}},
    {"WorkspaceMisaligned",
     Op::plain,
     [](SmallCall& c) {
       c.args.workspace = {c.args.workspace.data() + 32, c.args.workspace.size()};
     },
     {"workspace is at 0x", "align it to 64 bytes"}},
};

const std::vector<BadCall> kBadValues = {
    {"GlobalScaleNaN",
     Op::plain,
     [](SmallCall& c) { c.args.a.global_scales = kScalesWithNaN; },
     {"a.global_scales[1] is nan", "finite"}},
    {"GlobalScaleInfinite",
     Op::plain,
     [](SmallCall& c) { c.a_scale = -kInfinity; },
     {"a.global_scales[0] is -inf", "finite"}},
    {"OutGlobalScaleZero",
     Op::plain,
     [](SmallCall& c) {
       nvfp4_out(c);
       c.args.out.global_scale = 0.0f;
     },
     {"out.global_scale is 0", "above 0"}},
    {"OutGlobalScaleNegative",
     Op::plain,
     [](SmallCall& c) {
       nvfp4_out(c);
       c.args.out.global_scale = -0.5f;
     },
     {"out.global_scale is -0.5", "above 0"}},
    {"OutGlobalScaleInfinite",
     Op::plain,
     [](SmallCall& c) {
       nvfp4_out(c);
       c.args.out.global_scale = kInfinity;
     },
     {"out.global_scale is inf", "finite"}},
    {"ActivationUnknown",
     Op::gated,
     [](SmallCall& c) { c.args.activation.kind = ActivationKind{4}; },
     {"activation.kind is 4", "3 (relu2)"}},
    {"AlphaNaN",
     Op::gated,
     [](SmallCall& c) {
       c.args.activation = {ActivationKind::swiglu_oai, kNaN, 1.0f, 7.0f};
     },
     {"activation.alpha is nan", "finite"}},
    {"BetaInfinite",
     Op::gated,
     [](SmallCall& c) {
       c.args.activation = {ActivationKind::swiglu_oai, 1.0f, kInfinity, 7.0f};
     },
     {"activation.beta is inf", "finite"}},
    {"LimitNegative",
     Op::gated,
     [](SmallCall& c) {
       c.args.activation = {ActivationKind::swiglu_oai, 1.0f, 1.0f, -2.0f};
     },
     {"activation.limit is -2", "above 0"}},
};

const std::vector<BadCall> kBadOverlaps = {
    {"OutOverA",
     Op::plain,
     [](SmallCall& c) { c.args.a.data = reinterpret_cast<std::byte*>(c.out.data()) + 100; },
     {"out.data", "overlaps with a.data", "apart"}},
    {"OutOverScales",
     Op::plain,
     [](SmallCall& c) { c.args.a.scales = reinterpret_cast<std::uint8_t*>(c.out.data()); },
     {"out.data", "overlaps with a.scales"}},
    {"OutOverBias",
     Op::plain,
     [](SmallCall& c) { c.args.bias = std::span<const float>(c.out).first(144); },
     {"out.data", "overlaps with bias"}},
    {"OutInWorkspace",
     Op::plain,
     [](SmallCall& c) { c.args.out.data = c.args.workspace.data() + 64; },
     {"out.data", "overlaps with workspace"}},
    {"WorkspaceOverA",
     Op::plain,
     [](SmallCall& c) { c.args.a.data = c.args.workspace.data() + c.args.workspace.size() - 1; },
     {"workspace", "overlaps with a.data"}},
    {"OutScalesOverCodes",
     Op::plain,
     [](SmallCall& c) {
       nvfp4_out(c);
       c.args.out.scales = static_cast<std::uint8_t*>(c.args.out.data) + 119;
     },
     {"out.data (120 bytes", "overlaps with out.scales (15 bytes"}},
};

class BadCalls : public ::testing::TestWithParam<BadCall> {};

TEST_P(BadCalls, AreRefusedWithTheValueBeforeAnyWork) {
  const BadCall& bad = GetParam();
  SmallCall call(bad.op);
  ASSERT_EQ(error_of([&] { call.run(); }), "no error");
  std::memset(call.out.data(), testing::kPoison, call.out.size() * sizeof(float));
  bad.change(call);
  ErrorCode code = ErrorCode::internal;
  const std::string message = error_of([&] { call.run(); }, &code);
  EXPECT_EQ(code, bad.code) << message;
  for (const std::string& word : bad.words)
    EXPECT_NE(message.find(word), std::string::npos) << message;
  EXPECT_TRUE(call.output_untouched());
}

std::string name_of(const ::testing::TestParamInfo<BadCall>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Shapes, BadCalls, ::testing::ValuesIn(kBadShapes), name_of);
INSTANTIATE_TEST_SUITE_P(Pointers, BadCalls, ::testing::ValuesIn(kBadPointers), name_of);
INSTANTIATE_TEST_SUITE_P(Values, BadCalls, ::testing::ValuesIn(kBadValues), name_of);
INSTANTIATE_TEST_SUITE_P(Overlaps, BadCalls, ::testing::ValuesIn(kBadOverlaps), name_of);

TEST(BadCall, NamesBothGlobalScalesWhoseProductIsInfinite) {
  SmallCall call(Op::plain);  // the weights of group g have g + 1
  call.a_scale = 1.5e38f;
  EXPECT_EQ(error_of([&] { call.run(); }),
            "a.global_scales[0] = 1.5e+38 times the global scale 3 of the weights of group 2 is no finite float; scale "
            "one of them down");
  const std::vector<float> each = {1.0f, 1.0f, -3e38f};
  call.args.a.global_scales = each;
  EXPECT_NE(error_of([&] { call.run(); }).find("a.global_scales[2] = -3"), std::string::npos);
  const std::vector<float> where_no_row_is = {1.0f, 3e38f, 1.0f};
  call.args.a.global_scales = where_no_row_is;
  EXPECT_EQ(error_of([&] { call.run(); }), "no error");
}

TEST(BadCall, NamesTheUpScaleWhoseProductIsInfinite) {
  SmallCall call(Op::gated);
  const auto elements = static_cast<std::size_t>(SmallCall::kN * SmallCall::kK);
  const std::vector<std::uint8_t> codes(elements / 2, testing::kTwoOnes);
  const std::vector<std::uint8_t> scales(elements / 16, testing::kScaleOne);
  call.weights.pack(0, testing::ones(codes, scales, SmallCall::kN, SmallCall::kK, 1.0f),
                    testing::ones(codes, scales, SmallCall::kN, SmallCall::kK, 1e30f));
  call.a_scale = 1e20f;
  const std::string message = error_of([&] { call.run(); });
  EXPECT_NE(message.find("1.00000002e+30 of the up weights of group 0"), std::string::npos) << message;
  call.args.a.type = OperandType::bf16;  // has no global scales of its own
  const std::vector<std::uint16_t> bf16(static_cast<std::size_t>(call.total * SmallCall::kK), 0x3f80);
  call.args.a.data = bf16.data();
  EXPECT_EQ(error_of([&] { call.run(); }), "no error");
}

TEST(GoodCall, KeepsTheBitsThatASubnormalProductOfGlobalScalesHas) {
  SmallCall call(Op::plain);
  call.a_scale = std::ldexp(1.0f, -140);
  call.run();
  EXPECT_EQ(call.out.back(), std::ldexp(3.0f * SmallCall::kK, -140));
  call.a_scale = 0.0f;
  call.run();
  EXPECT_EQ(call.out.back(), 0.0f);
}

TEST(BadCall, RefusesAReportOverOffsetsEvenWithoutRows) {
  SmallCall call(Op::plain, std::vector<std::int32_t>(64, 0));
  call.args.report = reinterpret_cast<CallReport*>(call.offsets.data());
  const std::string message = error_of([&] { call.run(); });
  EXPECT_NE(message.find("report"), std::string::npos) << message;
  EXPECT_NE(message.find("overlaps with offsets"), std::string::npos) << message;
}

TEST(BadCall, RefusesSizesThatNoAddressReaches) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto refused = [](std::int64_t rows, std::int64_t columns, std::int64_t bytes) {
    ErrorCode code = ErrorCode::internal;
    const std::string message = error_of([&] { engine::check_size("out", rows, columns, bytes); }, &code);
    if (message == "no error") return false;
    EXPECT_EQ(code, ErrorCode::out_of_memory);
    EXPECT_NE(message.find("out has " + std::to_string(rows) + " x " + std::to_string(columns)), std::string::npos);
    EXPECT_NE(message.find("split the call"), std::string::npos);
    return true;
  };
  EXPECT_TRUE(refused(kMost, 2, 1));      // the elements overflow
  EXPECT_TRUE(refused(kMost / 2, 2, 2));  // only their bytes do
  EXPECT_TRUE(refused(1LL << 31, 1LL << 31, 2));
  EXPECT_FALSE(refused(1LL << 31, 1LL << 31, 1));
  EXPECT_FALSE(refused(kMost / 4, 2, 2));
  EXPECT_FALSE(refused(0, kMost, 4));
}

TEST(BadCall, NamesTheWorkspaceNeededAndGiven) {
  SmallCall call(Op::gated);
  const std::size_t needed = call.args.workspace.size();
  call.args.workspace = call.args.workspace.first(needed - 1);
  const std::string message = error_of([&] { call.run(); });
  EXPECT_NE(message.find(std::to_string(needed - 1) + " bytes"), std::string::npos) << message;
  EXPECT_NE(message.find("needs " + std::to_string(needed)), std::string::npos) << message;
}

TEST(BadCall, NamesTheOtherFunctionForWeightsOfTheOtherOp) {
  const SmallCall gated(Op::gated);
  const SmallCall plain(Op::plain);
  const std::string to_gated = error_of([&] { gated.engine.grouped_gemm(gated.weights, gated.args); });
  const std::string to_plain = error_of([&] { plain.engine.grouped_gated_gemm(plain.weights, plain.args); });
  EXPECT_NE(to_gated.find("call grouped_gated_gemm()"), std::string::npos) << to_gated;
  EXPECT_NE(to_plain.find("call grouped_gemm()"), std::string::npos) << to_plain;
}

TEST(BadCall, NamesTheFirstGroupThatIsNotPacked) {
  SmallCall call(Op::plain);
  const auto elements = static_cast<std::size_t>(SmallCall::kN * SmallCall::kK);
  const std::vector<std::uint8_t> codes(elements / 2);
  const std::vector<std::uint8_t> scales(elements / 16);
  PackedWeights partly({Op::plain, 3, SmallCall::kN, SmallCall::kK});
  partly.pack(0, testing::ones(codes, scales, SmallCall::kN, SmallCall::kK, 1.0f));
  const std::string message = error_of([&] { call.engine.grouped_gemm(partly, call.args); });
  EXPECT_NE(message.find("group 1 of 3 is not packed; call pack()"), std::string::npos) << message;
}

TEST(BadCall, RefusesNvfp4OutputOfRaggedColumns) {
  const PackedWeights weights = testing::pack_ones({Op::plain, 3, 24, SmallCall::kK});
  SmallCall call(Op::plain);
  nvfp4_out(call);
  call.args.out.n = 24;
  const std::string message = error_of([&] { call.engine.grouped_gemm(weights, call.args); });
  EXPECT_NE(message.find("out.n is 24"), std::string::npos) << message;
  EXPECT_NE(message.find("multiple of 16"), std::string::npos) << message;
}

TEST(BadCall, RefusesWorkspaceForMoreRowsThanOffsetsCanCount) {
  const SmallCall call(Op::plain);
  EXPECT_NE(error_of([&] { (void)call.engine.workspace_bytes(call.weights, -1); }).find("max_rows is -1"),
            std::string::npos);
  EXPECT_NE(error_of([&] { (void)call.engine.workspace_bytes(call.weights, 1LL << 40); }).find("1099511627776"),
            std::string::npos);
}

TEST(GoodCall, IgnoresParametersThatItsTypesDoNotRead) {
  SmallCall call(Op::gated);
  call.args.activation = {ActivationKind::silu, kNaN, kNaN, kNaN};
  call.args.out.global_scale = -1.0f;
  EXPECT_EQ(error_of([&] { call.run(); }), "no error");
}

TEST(GoodCall, AcceptsAdjacentMemory) {
  SmallCall call(Op::plain);
  std::vector<float> both(call.out.size() + call.codes.size() / sizeof(float));
  call.args.out.data = both.data();
  call.args.a.data = both.data() + call.out.size();
  EXPECT_EQ(error_of([&] { call.run(); }), "no error");
}

}  // namespace
}  // namespace thresher
