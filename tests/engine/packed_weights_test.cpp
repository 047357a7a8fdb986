// Wrong weights are refused by a message with the value, and what was packed before stays as it was.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "small_call.hpp"

namespace thresher {
namespace {

using testing::error_of;

constexpr std::int64_t kN = 32;
constexpr std::int64_t kK = 64;

struct Source {
  alignas(16) std::uint8_t codes[kN * kK / 2] = {};
  alignas(16) std::uint8_t scales[128 * 4 * 2] = {};
  [[nodiscard]] Nvfp4View view() const {
    return {.codes = codes, .scales = scales, .global_scale = 1.0f, .rows = kN, .k = kK, .layout = {}};
  }
};

struct BadView {
  const char* name;
  void (*change)(Nvfp4View&);
  std::vector<std::string> words;
};

void PrintTo(const BadView& bad, std::ostream* out) {
  *out << bad.name;
}

class BadViews : public ::testing::TestWithParam<BadView> {
 protected:
  void expect_words(const std::string& message, const std::string& matrix) {
    EXPECT_NE(message.find(matrix + "."), std::string::npos) << message;
    for (const std::string& word : GetParam().words)
      EXPECT_NE(message.find(word), std::string::npos) << message;
  }
  Source source_;
};

TEST_P(BadViews, AreRefusedForPlainGateAndUp) {
  Nvfp4View bad = source_.view();
  GetParam().change(bad);
  PackedWeights plain({Op::plain, 1, kN, kK});
  PackedWeights gated({Op::gated, 1, kN, kK});
  expect_words(error_of([&] { plain.pack(0, bad); }), "weights");
  expect_words(error_of([&] { gated.pack(0, bad, source_.view()); }), "gate");
  expect_words(error_of([&] { gated.pack(0, source_.view(), bad); }), "up");
}

std::string name_of(const ::testing::TestParamInfo<BadView>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Views, BadViews,
    ::testing::Values(BadView{"CodesNull", [](Nvfp4View& v) { v.codes = nullptr; }, {"codes is null", "[n, k/2]"}},
                      BadView{"ScalesNull", [](Nvfp4View& v) { v.scales = nullptr; }, {"scales is null", "E4M3"}},
                      BadView{"RowsDiffer", [](Nvfp4View& v) { v.rows = 33; }, {"rows is 33", "32"}},
                      BadView{"KDiffers", [](Nvfp4View& v) { v.k = 32; }, {"k is 32", "64", "counts elements"}},
                      BadView{"GlobalScaleNaN",
                              [](Nvfp4View& v) { v.global_scale = std::nanf(""); },
                              {"global_scale is nan", "finite"}},
                      BadView{"GlobalScaleInfinite",
                              [](Nvfp4View& v) { v.global_scale = std::numeric_limits<float>::infinity(); },
                              {"global_scale is inf", "1 / value"}},
                      BadView{"LayoutUnknown",
                              [](Nvfp4View& v) { v.layout = ScaleLayout{9}; },
                              {"layout is 9", "1 (swizzled_128x4)"}},
                      BadView{"SwizzledMisaligned",
                              [](Nvfp4View& v) {
                                v.layout = ScaleLayout::swizzled_128x4;
                                v.scales += 8;
                              },
                              {"scales are at 0x", "16-byte aligned"}}),
    name_of);

TEST(PackedWeights, RefusesGroupsOutOfRange) {
  const Source source;
  PackedWeights weights({Op::plain, 3, kN, kK});
  for (const std::int64_t group : {std::int64_t{-1}, std::int64_t{3}}) {
    const std::string message = error_of([&] { weights.pack(group, source.view()); });
    EXPECT_NE(message.find("group " + std::to_string(group) + " does not exist"), std::string::npos) << message;
    EXPECT_NE(message.find("groups 0 to 2"), std::string::npos) << message;
  }
}

TEST(PackedWeights, RefusesThePackOfTheOtherOp) {
  const Source source;
  PackedWeights plain({Op::plain, 1, kN, kK});
  PackedWeights gated({Op::gated, 1, kN, kK});
  EXPECT_NE(error_of([&] { plain.pack(0, source.view(), source.view()); }).find("call pack(group, weights)"),
            std::string::npos);
  EXPECT_NE(error_of([&] { gated.pack(0, source.view()); }).find("call pack(group, gate, up)"), std::string::npos);
}

TEST(PackedWeights, AcceptsZeroAndNegativeMultipliers) {
  const Source source;
  PackedWeights weights({Op::plain, 1, kN, kK});
  for (const float scale : {0.0f, -1.5f, std::numeric_limits<float>::denorm_min()}) {
    Nvfp4View view = source.view();
    view.global_scale = scale;
    EXPECT_EQ(error_of([&] { weights.pack(0, view); }), "no error");
  }
}

TEST(PackedWeights, RefusesShapesWithTheValue) {
  const auto message = [](Op op, std::int64_t groups, std::int64_t n, std::int64_t k, ErrorCode* code = nullptr) {
    return error_of([&] { PackedWeights weights({op, groups, n, k}); }, code);
  };
  EXPECT_NE(message(Op{5}, 1, 1, 16).find("op of the weights is 5"), std::string::npos);
  EXPECT_NE(message(Op::plain, 0, 1, 16).find("groups = 0"), std::string::npos);
  EXPECT_NE(message(Op::plain, 1, -4, 16).find("n = -4"), std::string::npos);
  EXPECT_NE(message(Op::plain, 1, 1, 0).find("k = 0"), std::string::npos);
  EXPECT_NE(message(Op::plain, 1, 1, 24).find("k = 24"), std::string::npos);
  EXPECT_NE(message(Op::plain, 1, 1, std::numeric_limits<std::int64_t>::max() - 15).find("k = 9223372036854775792"),
            std::string::npos);
  ErrorCode code = ErrorCode::internal;
  const std::int64_t large = 1LL << 30;
  EXPECT_NE(message(Op::plain, large, large, large, &code).find("1073741824"), std::string::npos);
  EXPECT_EQ(code, ErrorCode::out_of_memory);
}

TEST(PackedWeights, ReplacesAGroupThatIsPackedAgain) {
  testing::SmallCall call(Op::plain);
  const auto elements = static_cast<std::size_t>(call.kN * call.kK);
  const std::vector<std::uint8_t> codes(elements / 2, testing::kTwoOnes);
  const std::vector<std::uint8_t> scales(elements / 16, testing::kScaleOne);
  call.weights.pack(0, testing::ones(codes, scales, call.kN, call.kK, -8.0f));
  call.run();
  EXPECT_EQ(call.out.front(), -8.0f * static_cast<float>(call.kK));
  EXPECT_EQ(call.out.back(), 3.0f * static_cast<float>(call.kK));
}

TEST(PackedWeights, ThatWereMovedFromAreRefusedEverywhere) {
  PackedWeights weights({Op::plain, 1, kN, kK});
  PackedWeights gated({Op::gated, 1, kN, kK});
  const Source source;
  weights.pack(0, source.view());
  const PackedWeights kept = std::move(weights);
  const PackedWeights kept_gated = std::move(gated);
  EXPECT_EQ(kept.shape().n, kN);
  const Engine engine;
  const std::vector<std::function<void()>> uses = {
      [&] { (void)weights.shape(); },
      [&] { (void)weights.bytes(); },
      [&] { (void)weights.storage(); },
      [&] { weights.pack(0, source.view()); },
      [&] { gated.pack(0, source.view(), source.view()); },
      [&] { (void)engine.workspace_bytes(weights, 1); },
      [&] { engine.grouped_gemm(weights, {}); },
  };
  for (const auto& use : uses) {
    ErrorCode code = ErrorCode::internal;
    const std::string message = error_of(use, &code);
    EXPECT_EQ(code, ErrorCode::invalid_argument);
    EXPECT_NE(message.find("were moved from"), std::string::npos) << message;
  }
  weights = PackedWeights({Op::plain, 1, kN, kK});
  EXPECT_EQ(error_of([&] { weights.pack(0, source.view()); }), "no error");
}

}  // namespace
}  // namespace thresher
