// The quantiser, packing and the two scale layouts.
#include "format/quantize.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/pack.hpp"
#include "format/random.hpp"
#include "format/scale_layout.hpp"
#include "thresher/error.hpp"

namespace thresher {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string message_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<float> normal_values(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = random.normal();
  return values;
}

TEST(Pack, PutsTheEvenElementInTheLowNibble) {
  const std::vector<std::uint8_t> codes = {0x1, 0x2, 0xF, 0x38};  // only the low 4 bits count
  EXPECT_EQ(pack_nibbles(codes), (std::vector<std::uint8_t>{0x21, 0x8F}));
  const std::uint8_t row[2] = {0x21, 0x8F};
  EXPECT_EQ(nibble_at(row, 0), 0x1);
  EXPECT_EQ(nibble_at(row, 3), 0x8);
}

TEST(Pack, InvertsForEveryByte) {
  std::vector<std::uint8_t> bytes(256);
  for (int i = 0; i < 256; ++i)
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(pack_nibbles(unpack_nibbles(bytes)), bytes);
  EXPECT_TRUE(has(message_of([] { pack_nibbles(std::vector<std::uint8_t>(3)); }), "3 codes"));
}

TEST(Quantize, FollowsTheFormula) {
  const std::vector<float> values = normal_values(3 * 64, 1);
  const Nvfp4Matrix matrix = quantize(values, 3, 64);
  float amax = 0;
  for (const float value : values)
    amax = std::max(amax, std::fabs(value));
  EXPECT_EQ(matrix.global_scale, amax / (6.0f * 448.0f));
  for (std::size_t block = 0; block < matrix.scales.size(); ++block) {
    float block_max = 0;
    for (std::size_t i = 0; i < 16; ++i)
      block_max = std::max(block_max, std::fabs(values[16 * block + i]));
    const std::uint8_t scale = e4m3_from_float(block_max / 6.0f / matrix.global_scale);
    ASSERT_EQ(matrix.scales[block], scale);
    const float step = e4m3_to_float(scale) * matrix.global_scale;
    for (std::size_t i = 0; i < 16; ++i) {
      const std::size_t at = 16 * block + i;
      ASSERT_EQ(nibble_at(matrix.codes.data(), static_cast<std::int64_t>(at)), e2m1_from_float(values[at] / step));
    }
  }
}

TEST(Quantize, GivesTheLargestBlockTheLargestScale) {
  std::vector<float> values(32, 0.001f);
  values[20] = -123.0f;
  const Nvfp4Matrix matrix = quantize(values, 1, 32);
  EXPECT_EQ(matrix.scales[1], kE4m3Largest);
  EXPECT_EQ(nibble_at(matrix.codes.data(), 20), 0xF);
  EXPECT_NEAR(dequantise(matrix.view())[20], -123.0f, 123.0f * 1e-6f);
}

TEST(Quantize, TakesTiesToTheEvenCode) {
  // s_g = 1 and an amax of 6 make the step 1.
  std::array<float, 16> x = {6.0f, 0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f, -0.25f, -0.75f, -1.25f, -1.75f, -2.5f};
  std::array<std::uint8_t, 8> codes{};
  std::uint8_t scale = 0;
  quantize_block16(x.data(), 1.0f, codes.data(), &scale);
  EXPECT_EQ(scale, kE4m3One);
  const std::array<int, 16> want = {7, 0, 2, 2, 4, 4, 6, 6, 8, 10, 10, 12, 12, 0, 0, 0};
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(nibble_at(codes.data(), i), want[static_cast<std::size_t>(i)]) << i;
}

TEST(Quantize, WritesAZeroBlockAsScaleZero) {
  std::vector<float> values(32, 0.0f);
  values[3] = -0.0f;
  values[16] = 1.0f;
  const Nvfp4Matrix matrix = quantize(values, 1, 32);
  EXPECT_EQ(matrix.scales[0], 0x00);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(matrix.codes[static_cast<std::size_t>(i)], 0);
}

TEST(Quantize, WritesAZeroMatrixWithGlobalScaleOne) {
  for (const float zero : {0.0f, -0.0f}) {
    const Nvfp4Matrix matrix = quantize(std::vector<float>(64, zero), 2, 32);
    EXPECT_EQ(matrix.global_scale, 1.0f);
    EXPECT_EQ(matrix.codes, std::vector<std::uint8_t>(32, 0));
    EXPECT_EQ(matrix.scales, std::vector<std::uint8_t>(4, 0));
  }
  EXPECT_EQ(quantize({}, 0, 16).global_scale, 1.0f);
  EXPECT_EQ(quantize(std::vector<float>(16, 1e-45f), 1, 16).global_scale, 1.0f);
}

TEST(Quantize, ZeroesTheCodesOfAScaleThatRoundsToZero) {
  std::vector<float> values(32, 1e-5f);
  values[31] = 1000.0f;
  const Nvfp4Matrix matrix = quantize(values, 1, 32);
  EXPECT_EQ(matrix.scales[0], 0x00);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(matrix.codes[static_cast<std::size_t>(i)], 0);
}

TEST(Quantize, UsesSubnormalScales) {
  std::array<float, 16> x{};
  x[5] = 6.0f * 3.0f * 0x1p-9f;
  x[6] = -2.0f * 3.0f * 0x1p-9f;
  std::array<std::uint8_t, 8> codes{};
  std::uint8_t scale = 0;
  quantize_block16(x.data(), 1.0f, codes.data(), &scale);
  EXPECT_EQ(scale, 0x03);
  EXPECT_EQ(nibble_at(codes.data(), 5), 7);
  EXPECT_EQ(nibble_at(codes.data(), 6), 12);
}

TEST(Quantize, MarksABlockThatHoldsANan) {
  for (const float nan : {kNan, -kNan}) {
    std::vector<float> values(48, 1.0f);
    values[17] = nan;
    const Nvfp4Matrix matrix = quantize(values, 1, 48);
    EXPECT_EQ(matrix.global_scale, 1.0f / (6.0f * 448.0f));
    EXPECT_EQ(matrix.scales, (std::vector<std::uint8_t>{0x7E, 0x7F, 0x7E}));
    for (std::size_t i = 8; i < 16; ++i)
      EXPECT_EQ(matrix.codes[i], 0);
    const std::vector<float> back = dequantise(matrix.view());
    for (std::size_t i = 0; i < 48; ++i)
      EXPECT_EQ(std::isnan(back[i]), i / 16 == 1) << i;
  }
}

TEST(Quantize, SaturatesBeyondAGivenGlobalScaleAndAtInfinity) {
  std::vector<float> values(32, 1.0f);
  values[0] = 1e6f;
  values[16] = -kInf;
  const Nvfp4Matrix matrix = quantize(values, 1, 32, 1.0f);
  EXPECT_EQ(matrix.scales, (std::vector<std::uint8_t>{0x7E, 0x7E}));
  EXPECT_EQ(nibble_at(matrix.codes.data(), 0), 7);
  EXPECT_EQ(nibble_at(matrix.codes.data(), 16), 15);
  EXPECT_EQ(nibble_at(matrix.codes.data(), 17), 0);
}

TEST(Quantize, IsIdempotentWithTheSameGlobalScale) {
  const Nvfp4Matrix once = quantize(normal_values(4 * 64, 7), 4, 64);
  const Nvfp4Matrix twice = quantize(dequantise(once.view()), 4, 64, once.global_scale);
  EXPECT_EQ(dequantise(once.view()), dequantise(twice.view()));
}

TEST(Quantize, RefusesBadInputWithItsValue) {
  const std::vector<float> values(32);
  EXPECT_TRUE(has(message_of([&] { quantize(values, 1, 24); }), "k = 24"));
  EXPECT_TRUE(has(message_of([&] { quantize(values, 1, 0); }), "k = 0"));
  EXPECT_TRUE(has(message_of([&] { quantize(values, -1, 32); }), "rows = -1"));
  EXPECT_TRUE(has(message_of([&] { quantize(values, std::int64_t{1} << 60, 32); }), "address space"));
  EXPECT_TRUE(has(message_of([&] { quantize(values, 2, 32); }), "32 values"));
  for (const float bad : {0.0f, -1.0f, kInf, kNan}) {
    EXPECT_TRUE(has(message_of([&] { quantize(values, 1, 32, bad); }), "global scale")) << bad;
  }
}

TEST(ScaleLayout, FollowsThePublishedFormula) {
  // k = 80: five scale columns, so two atoms a row of atoms.
  EXPECT_EQ(swizzled_scale_bytes(129, 80), 256 * 8);
  EXPECT_EQ(swizzled_scale_bytes(0, 80), 0);
  EXPECT_EQ(swizzled_scale_offset(0, 3, 80), 3);
  EXPECT_EQ(swizzled_scale_offset(1, 0, 80), 16);
  EXPECT_EQ(swizzled_scale_offset(32, 0, 80), 4);
  EXPECT_EQ(swizzled_scale_offset(127, 3, 80), 511);
  EXPECT_EQ(swizzled_scale_offset(0, 4, 80), 512);
  EXPECT_EQ(swizzled_scale_offset(128, 0, 80), 1024);
}

TEST(ScaleLayout, IsABijectionThatInverts) {
  const std::int64_t shapes[][2] = {{1, 16}, {15, 48}, {100, 4096}, {128, 64}, {129, 80}, {200, 272}, {384, 1536}};
  for (const auto& [rows, k] : shapes) {
    std::set<std::int64_t> offsets;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t col = 0; col < k / 16; ++col)
        offsets.insert(swizzled_scale_offset(row, col, k));
    }
    EXPECT_EQ(static_cast<std::int64_t>(offsets.size()), rows * (k / 16));
    EXPECT_GE(*offsets.begin(), 0);
    EXPECT_LT(*offsets.rbegin(), swizzled_scale_bytes(rows, k));

    Random random(static_cast<std::uint64_t>(rows));
    std::vector<std::uint8_t> scales(static_cast<std::size_t>(rows * (k / 16)));
    for (std::uint8_t& scale : scales)
      scale = static_cast<std::uint8_t>(1 + random.below(255));
    const std::vector<std::uint8_t> swizzled = swizzle_scales(scales, rows, k);
    EXPECT_EQ(unswizzle_scales(swizzled, rows, k), scales);
    for (std::size_t at = 0; at < swizzled.size(); ++at) {
      const bool padding = offsets.count(static_cast<std::int64_t>(at)) == 0;
      ASSERT_EQ(swizzled[at] == 0, padding) << at;
    }
  }
}

TEST(ScaleLayout, ReadsTheSameValuesFromBothOrders) {
  const Nvfp4Matrix matrix = quantize(normal_values(130 * 80, 3), 130, 80);
  const std::vector<std::uint8_t> swizzled = swizzle_scales(matrix.scales, 130, 80);
  Nvfp4View view = matrix.view();
  view.scales = swizzled.data();
  view.layout = ScaleLayout::swizzled_128x4;
  EXPECT_EQ(dequantise(view), dequantise(matrix.view()));
}

TEST(ScaleLayout, RefusesSizesThatDoNotMatch) {
  const std::vector<std::uint8_t> scales(12);
  EXPECT_TRUE(has(message_of([&] { swizzle_scales(scales, 4, 64); }), "12 bytes"));
  EXPECT_TRUE(has(message_of([&] { unswizzle_scales(scales, 4, 48); }), "give 512"));
  EXPECT_TRUE(has(message_of([&] { swizzle_scales(scales, 4, 40); }), "k = 40"));
}

}  // namespace
}  // namespace thresher
