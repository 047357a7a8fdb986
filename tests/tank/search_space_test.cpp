// The configs that a search may try.
#include "tank/search_space.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "cpu/grouped_gemm.hpp"
#include "format/random.hpp"
#include "toml_text.hpp"

namespace thresher::tank {
namespace {

SearchSpace small() {
  // No 64 with 128: a rule between two knobs.
  return {{{.name = "block_m", .values = {32, 64, 128}}, {.name = "block_n", .values = {64, 128}}},
          cpu_config_from_text("threads=3"),
          [](const CpuConfig& config) {
            return config.block_m == 64 && config.block_n == 128 ? std::optional<std::string>("no") : std::nullopt;
          }};
}

TEST(SearchSpace, ListsEveryValidPointOnce) {
  const auto all = small().all(5);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 5u);
  EXPECT_EQ(std::set<Point>(all->begin(), all->end()).size(), 5u);
  EXPECT_FALSE(small().all(4));
}

TEST(SearchSpace, KeepsWhatTheKnobsLeaveAlone) {
  const CpuConfig config = small().config({2, 0});
  EXPECT_EQ(config, cpu_config_from_text("threads=3,block_m=128,block_n=64"));
}

TEST(SearchSpace, NeighboursDifferByOneStepInOneKnobAndAreValid) {
  const auto found = small().neighbours({0, 1});
  EXPECT_EQ(std::set<Point>(found.begin(), found.end()), (std::set<Point>{{0, 0}}));  // {1, 1} is not valid
  EXPECT_EQ(small().neighbours({1, 0}).size(), 2u);
}

TEST(SearchSpace, NearestTakesTheClosestValueOfEachKnob) {
  EXPECT_EQ(small().nearest(cpu_config_from_text("block_m=100,block_n=1000")), (Point{2, 1}));
  EXPECT_EQ(small().nearest(cpu_config_from_text("block_m=16,block_n=32")), (Point{0, 0}));
}

TEST(SearchSpace, DrawsEveryValidPointAndNoOther) {
  Random random(5);
  std::set<Point> drawn;
  for (int i = 0; i < 300; ++i)
    drawn.insert(small().draw([&](std::uint64_t below) { return random.below(below); }).value());
  EXPECT_EQ(drawn.size(), 5u);
  const SearchSpace none({{.name = "block_m", .values = {32}}}, {},
                         [](const CpuConfig&) { return std::optional<std::string>("no"); });
  EXPECT_FALSE(none.draw([](std::uint64_t) { return std::uint64_t{0}; }));
}

TEST(SearchSpace, RefusesKnobsThatAreNone) {
  const auto valid = [](const CpuConfig&) { return std::optional<std::string>(); };
  expect_error(ErrorCode::internal, {"block_q"}, [&] { SearchSpace({{.name = "block_q", .values = {1}}}, {}, valid); });
  expect_error(ErrorCode::invalid_argument, {"block_m"},
               [&] { SearchSpace({{.name = "block_m", .values = {}}}, {}, valid); });
  expect_error(ErrorCode::invalid_argument, {"block_m"}, [&] {
    SearchSpace({{.name = "block_m", .values = {64, 32}}}, {}, valid);
  });
}

TEST(SearchSpace, TheCpuKnobsStopAtTheFirstValueThatCoversTheProblem) {
  std::map<std::string, std::int64_t> largest;
  for (const Knob& knob : cpu_knobs(1536, 64, 4096)) {
    EXPECT_TRUE(std::is_sorted(knob.values.begin(), knob.values.end())) << knob.name;
    largest[knob.name] = knob.values.back();
  }
  EXPECT_EQ(largest["block_k"], 1536);
  EXPECT_EQ(largest["block_m"], 64);
  EXPECT_EQ(largest["block_n"], 1024);  // none covers 4096
  // Each value must run alone: a knob with a value that never does would waste draws.
  for (const Knob& knob : cpu_knobs(8192, 512, 4096)) {
    for (const std::int64_t value : knob.values) {
      const SearchSpace one({{.name = knob.name, .values = {value}}}, cpu_config_from_text("isa=avx2"),
                            [](const CpuConfig& config) { return cpu::why_invalid(config, OutputType::fp32); });
      EXPECT_TRUE(one.contains({0})) << knob.name << " = " << value << ": "
                                     << cpu::why_invalid(one.config({0}), OutputType::fp32).value_or("");
    }
  }
}

}  // namespace
}  // namespace thresher::tank
