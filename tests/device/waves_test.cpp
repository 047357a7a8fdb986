// Padding, waves and Little's law against facts known from the seed's shapes.
#include "device/waves.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "thresher/error.hpp"

namespace thresher::device {
namespace {

const std::vector<std::int64_t> kShape1 = {80, 176, 128, 72, 64, 248, 96, 160};
const std::vector<std::int64_t> kShape2 = {40, 76, 168, 72, 164, 148, 196, 160};
const std::vector<std::int64_t> kShape3 = {192, 320};
const std::vector<std::int64_t> kShape4 = {128, 384};
constexpr std::int64_t kMax = INT64_MAX;

TEST(Padding, CostsWhatIsKnownOnTheSeedShapes) {
  EXPECT_EQ(padded_rows(kShape1, 8), 1024);
  EXPECT_EQ(padded_rows(kShape1, 64), 1216);
  EXPECT_EQ(padded_rows(kShape1, 128), 1408);
  EXPECT_EQ(padded_rows(kShape2, 8), 1040);
  EXPECT_EQ(padded_rows(kShape2, 64), 1344);
  EXPECT_EQ(padded_rows(kShape2, 128), 1664);
  EXPECT_EQ(padded_rows(kShape3, 128), 640);
  EXPECT_EQ(padded_rows(kShape4, 128), 512);

  EXPECT_DOUBLE_EQ(*padding_fraction(kShape1, 128), 0.375);
  EXPECT_DOUBLE_EQ(*padding_fraction(kShape2, 128), 0.625);
  EXPECT_DOUBLE_EQ(*padding_fraction(kShape1, 64), 0.1875);
  EXPECT_DOUBLE_EQ(*padding_fraction(kShape2, 64), 0.3125);
  EXPECT_DOUBLE_EQ(*padding_fraction(kShape1, 8), 0.0);
  EXPECT_DOUBLE_EQ(*padding_fraction(kShape2, 8), 0.015625);
}

TEST(Padding, EmptyGroupsStayEmpty) {
  EXPECT_EQ(padded_rows(std::vector<std::int64_t>{0, 1, 0}, 64), 64);
  EXPECT_EQ(padding_fraction(std::vector<std::int64_t>{0, 0}, 64), std::nullopt);
  EXPECT_EQ(padding_fraction({}, 64), std::nullopt);
}

TEST(Padding, TilesOfOneRowWasteNothingAndWasteGrowsWithMultiples) {
  for (std::int64_t rows = 0; rows <= 200; ++rows) {
    const std::vector<std::int64_t> m = {rows};
    EXPECT_EQ(padded_rows(m, 1), rows);
    EXPECT_LE(padded_rows(m, 8), padded_rows(m, 16));
    EXPECT_GE(padded_rows(m, 16), rows);
    EXPECT_LT(padded_rows(m, 16), rows + 16);
  }
}

TEST(TileCount, MatchesTheKnownTilesOf128By128) {
  EXPECT_EQ(tile_count(kShape1, 4096, 128, 128), 352);
  EXPECT_EQ(tile_count(kShape2, 7168, 128, 128), 728);
  EXPECT_EQ(tile_count(kShape3, 3072, 128, 128), 120);
  EXPECT_EQ(tile_count(kShape4, 4096, 128, 128), 128);
  EXPECT_EQ(tile_count(std::vector<std::int64_t>{512}, 3072, 128, 128), 96);
  EXPECT_EQ(tile_count(std::vector<std::int64_t>{1}, 129, 128, 128), 2);
}

TEST(Waves, CountsWavesAndTheirTail) {
  const Waves w = waves(352, 148);
  EXPECT_EQ(w.waves(), 3);
  EXPECT_DOUBLE_EQ(*w.tail_utilisation(), 56.0 / 148.0);
  EXPECT_DOUBLE_EQ(*w.utilisation(), 352.0 / (3.0 * 148.0));

  EXPECT_EQ(waves(64, 148).waves(), 1);
  EXPECT_DOUBLE_EQ(*waves(64, 148).utilisation(), 64.0 / 148.0);
  EXPECT_DOUBLE_EQ(*waves(296, 148).tail_utilisation(), 1.0);
  EXPECT_DOUBLE_EQ(*waves(296, 148).utilisation(), 1.0);
}

TEST(Waves, NoTilesMeansNoUtilisation) {
  EXPECT_EQ(waves(0, 4).waves(), 0);
  EXPECT_EQ(waves(0, 4).tail_utilisation(), std::nullopt);
  EXPECT_EQ(waves(0, 4).utilisation(), std::nullopt);
}

TEST(BytesInFlight, FollowsLittlesLaw) {
  EXPECT_DOUBLE_EQ(bytes_in_flight(7.68e12, 1e-6), 7.68e6);
  EXPECT_EQ(bytes_in_flight(0.0, 1.0), 0.0);
  EXPECT_THROW(bytes_in_flight(-1.0, 1.0), Error);
  EXPECT_THROW(bytes_in_flight(1.0, -1.0), Error);
}

TEST(Waves, RefusesNonsenseAndOverflow) {
  EXPECT_THROW(padded_rows(kShape1, 0), Error);
  EXPECT_THROW(padded_rows(std::vector<std::int64_t>{4, -1}, 8), Error);
  EXPECT_THROW(padded_rows(std::vector<std::int64_t>{kMax}, 64), Error);
  EXPECT_THROW(padded_rows(std::vector<std::int64_t>{kMax, kMax}, 1), Error);
  EXPECT_THROW(tile_count(kShape1, -1, 1, 1), Error);
  EXPECT_THROW(tile_count(kShape1, 16, 1, 0), Error);
  EXPECT_THROW(tile_count(std::vector<std::int64_t>{kMax}, kMax, 1, 1), Error);
  EXPECT_THROW(waves(-1, 1), Error);
  EXPECT_THROW(waves(1, 0), Error);
}

}  // namespace
}  // namespace thresher::device
