// Rotation of tiny problems: how many sets at most, and that fewer than the rule asks for are told.
#include "measure/rotation.hpp"

#include <gtest/gtest.h>

namespace thresher::measure {
namespace {

TEST(Rotation, OfTinyProblemsStopsAt512SetsAndSaysSo) {
  constexpr std::size_t kCache = std::size_t{32} << 20;
  const Rotation tiny = sets_for(2404, kCache, std::nullopt);
  EXPECT_EQ(tiny.sets, 512);
  EXPECT_FALSE(tiny.beyond_cache);
  const Rotation least = sets_for(2 * kCache / 511, kCache, std::nullopt);
  EXPECT_EQ(least.sets, 512);
  EXPECT_TRUE(least.beyond_cache);
}

}  // namespace
}  // namespace thresher::measure
