// E2M1, E4M3, fp16 and bf16: every code, every tie, both ends.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/half.hpp"
#include "format/random.hpp"

namespace thresher {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// The casts are usable at compile time.
static_assert(e2m1_to_float(0xF) == -6.0f && e2m1_from_float(2.5f) == 4);
static_assert(e4m3_to_float(0x7E) == 448.0f && e4m3_from_float(1.0f) == kE4m3One);
static_assert(fp16_from_float(1.0f) == 0x3C00 && bf16_from_float(1.0f) == 0x3F80);

TEST(E2m1, DecodesTheSixteenCodes) {
  const float magnitudes[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  for (int code = 0; code < 256; ++code) {
    const float want = magnitudes[code & 7] * ((code & 8) != 0 ? -1.0f : 1.0f);
    const float got = e2m1_to_float(static_cast<std::uint8_t>(code));
    EXPECT_EQ(got, want);
    EXPECT_EQ(std::signbit(got), (code & 8) != 0) << code;
  }
}

TEST(E2m1, EncodesEveryValueToItsOwnCode) {
  for (std::uint8_t code = 0; code < 16; ++code)
    EXPECT_EQ(e2m1_from_float(e2m1_to_float(code)), code);
}

TEST(E2m1, RoundsTiesToTheEvenCode) {
  const float ties[7] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f};
  const std::uint8_t even[7] = {0, 2, 2, 4, 4, 6, 6};
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(e2m1_from_float(ties[i]), even[i]) << ties[i];
    EXPECT_EQ(e2m1_from_float(-ties[i]), even[i] | 8) << -ties[i];
    EXPECT_EQ(e2m1_from_float(std::nextafter(ties[i], 0.0f)), i) << "just below " << ties[i];
    EXPECT_EQ(e2m1_from_float(std::nextafter(ties[i], kInf)), i + 1) << "just above " << ties[i];
  }
}

TEST(E2m1, SaturatesKeepsTheSignOfZeroAndTakesNanTo7) {
  EXPECT_EQ(e2m1_from_float(6.5f), 7);
  EXPECT_EQ(e2m1_from_float(1e30f), 7);
  EXPECT_EQ(e2m1_from_float(kInf), 7);
  EXPECT_EQ(e2m1_from_float(-kInf), 15);
  EXPECT_EQ(e2m1_from_float(-0.0f), 8);
  EXPECT_EQ(e2m1_from_float(-1e-45f), 8);
  EXPECT_EQ(e2m1_from_float(kNan), 7);
  EXPECT_EQ(e2m1_from_float(-kNan), 7);
}

// The value of an E4M3 code by its definition, not by its bits.
double e4m3_by_definition(int code) {
  const int exponent = (code >> 3) & 15;
  const int mantissa = code & 7;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 7 - 3);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

TEST(E4m3, DecodesAll256Codes) {
  for (int code = 0; code < 256; ++code) {
    const float got = e4m3_to_float(static_cast<std::uint8_t>(code));
    if ((code & 0x7F) == 0x7F) {
      EXPECT_TRUE(std::isnan(got));
    } else {
      EXPECT_EQ(static_cast<double>(got), e4m3_by_definition(code)) << code;
      EXPECT_EQ(std::signbit(got), code >= 0x80) << code;
      EXPECT_EQ(e4m3_from_float(got), code);
    }
  }
}

TEST(E4m3, RoundsEveryMidpointToTheEvenCode) {
  for (int code = 0; code < 0x7E; ++code) {
    const double middle = (e4m3_by_definition(code) + e4m3_by_definition(code + 1)) / 2;
    const auto tie = static_cast<float>(middle);
    ASSERT_EQ(static_cast<double>(tie), middle);
    EXPECT_EQ(e4m3_from_float(tie), code + code % 2) << tie;
    EXPECT_EQ(e4m3_from_float(-tie), (code + code % 2) | 0x80) << -tie;
    EXPECT_EQ(e4m3_from_float(std::nextafter(tie, 0.0f)), code) << "just below " << tie;
    EXPECT_EQ(e4m3_from_float(std::nextafter(tie, kInf)), code + 1) << "just above " << tie;
  }
}

TEST(E4m3, SaturatesAt448AndKeepsNan) {
  for (const float large : {448.0f, 449.0f, 464.0f, 465.0f, 511.0f, 512.0f, 1e38f, kInf}) {
    EXPECT_EQ(e4m3_from_float(large), 0x7E) << large;
    EXPECT_EQ(e4m3_from_float(-large), 0xFE) << -large;
  }
  EXPECT_EQ(e4m3_from_float(kNan), 0x7F);
  EXPECT_EQ(e4m3_from_float(-kNan), 0x7F);
}

TEST(E4m3, TakesTinyValuesToZeroOfTheirSign) {
  for (const float tiny : {0.0f, 1e-45f, 1e-38f, 0x1p-11f, 0x1p-10f}) {
    EXPECT_EQ(e4m3_from_float(tiny), 0x00) << tiny;
    EXPECT_EQ(e4m3_from_float(-tiny), 0x80) << -tiny;
  }
  EXPECT_EQ(e4m3_from_float(0x1.000002p-10f), 0x01);
}

TEST(Products, OfEveryScaleAndCodeAreExactInFp16AndBf16) {
  int finite = 0;
  for (int scale = 0; scale < 256; ++scale) {
    for (int code = 0; code < 16; ++code) {
      const float s = e4m3_to_float(static_cast<std::uint8_t>(scale));
      const float c = e2m1_to_float(static_cast<std::uint8_t>(code));
      const float product = s * c;
      if (std::isnan(s)) {
        EXPECT_TRUE(std::isnan(product));
        continue;
      }
      ++finite;
      EXPECT_EQ(static_cast<double>(product), static_cast<double>(s) * static_cast<double>(c));
      EXPECT_EQ(fp16_to_float(fp16_from_float(product)), product) << scale << " x " << code;
      EXPECT_EQ(bf16_to_float(bf16_from_float(product)), product) << scale << " x " << code;
    }
  }
  EXPECT_EQ(finite, 254 * 16);
}

TEST(Fp16, RoundTripsEveryFinitePattern) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = fp16_to_float(half);
    if ((bits & 0x7FFF) > 0x7C00) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_EQ(fp16_from_float(value), bits | 0x200);
    } else {
      ASSERT_EQ(fp16_from_float(value), half);
    }
  }
}

TEST(Fp16, RoundsEveryMidpointToTheEvenPattern) {
  for (int bits = 0; bits < 0x7BFF; ++bits) {
    const float low = fp16_to_float(static_cast<std::uint16_t>(bits));
    const float tie = (low + fp16_to_float(static_cast<std::uint16_t>(bits + 1))) / 2;
    ASSERT_EQ(fp16_from_float(tie), bits + bits % 2) << tie;
    ASSERT_EQ(fp16_from_float(std::nextafter(tie, 0.0f)), bits) << tie;
    ASSERT_EQ(fp16_from_float(std::nextafter(-tie, -kInf)), (bits + 1) | 0x8000) << tie;
  }
}

TEST(Fp16, OverflowsToInfinityFrom65520) {
  EXPECT_EQ(fp16_from_float(std::nextafter(65520.0f, 0.0f)), 0x7BFF);
  EXPECT_EQ(fp16_from_float(65520.0f), 0x7C00);
  EXPECT_EQ(fp16_from_float(-1e30f), 0xFC00);
  EXPECT_EQ(fp16_from_float(kInf), 0x7C00);
  EXPECT_EQ(fp16_to_float(0xFC00), -kInf);
}

TEST(Bf16, RoundTripsEveryPatternAndRoundsMidpointsToEven) {
  for (int bits = 0; bits < 0x7F80; ++bits) {
    ASSERT_EQ(bf16_from_float(bf16_to_float(static_cast<std::uint16_t>(bits))), bits);
    const float tie = std::bit_cast<float>((static_cast<std::uint32_t>(bits) << 16) | 0x8000u);
    ASSERT_EQ(bf16_from_float(tie), bits + bits % 2);
    ASSERT_EQ(bf16_from_float(-std::nextafter(tie, kInf)), (bits + 1) | 0x8000);
  }
  EXPECT_EQ(bf16_from_float(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(bf16_from_float(-kInf), 0xFF80);
}

TEST(Halves, KeepNanQuiet) {
  const float narrow = std::bit_cast<float>(0x7F800001u);  // a payload that no half can hold
  EXPECT_TRUE(std::isnan(fp16_to_float(fp16_from_float(narrow))));
  EXPECT_TRUE(std::isnan(bf16_to_float(bf16_from_float(narrow))));
  EXPECT_EQ(fp16_from_float(std::bit_cast<float>(0xFFC00000u)), 0xFE00);
  EXPECT_EQ(bf16_from_float(std::bit_cast<float>(0xFF800001u)), 0xFFC0);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(bf16_to_float(0x7F81)), 0x7FC10000u);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(fp16_to_float(0x7C01)), 0x7FC02000u);
}

TEST(Rounding, IsRightForAnyShift) {
  EXPECT_EQ(shift_right_even(5, 0), 5u);
  EXPECT_EQ(shift_right_even(5, 1), 2u);
  EXPECT_EQ(shift_right_even(7, 1), 4u);
  EXPECT_EQ(shift_right_even(0x80000000u, 32), 0u);
  EXPECT_EQ(shift_right_even(0x80000001u, 32), 1u);
  EXPECT_EQ(shift_right_even(0xFFFFFFFFu, 33), 0u);
  EXPECT_EQ(shift_right_even(0xFFFFFFFFu, 200), 0u);
}

TEST(Random, IsTheSameEverywhere) {
  Random random(0);
  EXPECT_EQ(random.next(), mix64(mix64(0x9E3779B97F4A7C15ull) + 0x9E3779B97F4A7C15ull));
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const auto x = static_cast<double>(random.normal());
    sum += x;
    squares += x * x;
    ASSERT_LT(random.below(7), 7u);
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 0.02);
  EXPECT_NEAR(squares / kDraws, 1.0, 0.02);
}

}  // namespace
}  // namespace thresher
