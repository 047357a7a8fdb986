// The sampler with a clock that only moves when told: rotation, stopping, and what is recorded.
#include "measure/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

#include "measure/rotation.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

// A machine on which run() takes what the test says.
struct FakeMachine {
  double now = 100.0;
  std::vector<int> sets;

  SamplerOptions options() {
    SamplerOptions result;
    result.clock = [this] { return now; };
    return result;
  }
};

TEST(Sampler, StopsAsSoonAsTheMedianIsKnown) {
  FakeMachine machine;
  const Samples samples = sample([&](int) { machine.now += 0.001; }, machine.options());
  EXPECT_EQ(samples.stop, StopReason::precise);
  EXPECT_EQ(samples.seconds.size(), 10u);
  EXPECT_NEAR(*samples.median(), 0.001, 1e-12);
  EXPECT_NEAR(samples.elapsed_seconds, 0.012, 1e-12);
}

TEST(Sampler, GoesOnWhileTheMedianIsUncertain) {
  FakeMachine machine;
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> seconds(0.0009, 0.0011);
  const Samples samples = sample([&](int) { machine.now += seconds(random); }, machine.options());
  EXPECT_EQ(samples.stop, StopReason::precise);
  EXPECT_GT(samples.seconds.size(), 50u);
  EXPECT_LE(*relative_precision(samples.seconds), 0.01);
  EXPECT_NEAR(*samples.median(), 0.001, 0.00003);
}

TEST(Sampler, StopsAtTheMostSamples) {
  FakeMachine machine;
  SamplerOptions options = machine.options();
  options.target_precision = 0.0;
  options.max_samples = 25;
  int calls = 0;
  const Samples samples = sample([&](int) { machine.now += ++calls % 2 == 0 ? 0.001 : 0.002; }, options);
  EXPECT_EQ(samples.stop, StopReason::out_of_samples);
  EXPECT_EQ(samples.seconds.size(), 25u);
}

TEST(Sampler, StopsWhenTimeIsUpEvenBelowTheLeastSamples) {
  FakeMachine machine;
  SamplerOptions options = machine.options();
  options.max_seconds = 1.0;
  const Samples samples = sample([&](int) { machine.now += 0.3; }, options);
  EXPECT_EQ(samples.stop, StopReason::out_of_time);
  EXPECT_EQ(samples.seconds.size(), 2u);
  EXPECT_EQ(samples.interval(), std::nullopt);
}

TEST(Sampler, TakesOneSampleOfAFunctionSlowerThanTheLimit) {
  FakeMachine machine;
  SamplerOptions options = machine.options();
  options.max_seconds = 1.0;
  int calls = 0;
  const Samples samples = sample(
      [&](int) {
        ++calls;
        machine.now += 60.0;
      },
      options);
  EXPECT_EQ(samples.seconds.size(), 1u);
  EXPECT_EQ(calls, 2);  // one of two warm-up runs was already too much
}

TEST(Sampler, RotatesOverTheSetsWarmUpIncluded) {
  FakeMachine machine;
  SamplerOptions options = machine.options();
  options.sets = 3;
  options.warm_up = 4;
  sample(
      [&](int set) {
        machine.sets.push_back(set);
        machine.now += 0.001;
      },
      options);
  ASSERT_EQ(machine.sets.size(), 14u);
  for (std::size_t i = 0; i < machine.sets.size(); ++i) {
    EXPECT_EQ(machine.sets[i], static_cast<int>(i % 3));
  }
}

TEST(Sampler, TimesOnlyTheRunAndReportsProgressOutsideIt) {
  FakeMachine machine;
  SamplerOptions options = machine.options();
  std::vector<SamplerProgress> seen;
  options.progress = [&](const SamplerProgress& progress) {
    seen.push_back(progress);
    machine.now += 0.05;
  };
  const Samples samples = sample([&](int) { machine.now += 0.001; }, options);
  ASSERT_EQ(seen.size(), samples.seconds.size());
  EXPECT_EQ(seen.front().samples, 1);
  EXPECT_EQ(seen.front().precision, std::nullopt);
  EXPECT_TRUE(seen.back().precision.has_value());
  for (const double seconds : samples.seconds) {
    EXPECT_NEAR(seconds, 0.001, 1e-12);
  }
}

TEST(Sampler, MeasuresWithTheRealClock) {
  SamplerOptions options;
  options.max_samples = 12;
  const Samples samples = sample([](int) {}, options);
  EXPECT_GE(samples.seconds.size(), 10u);
  for (const double seconds : samples.seconds) {
    EXPECT_GE(seconds, 0.0);
  }
}

TEST(Sampler, WhatTheFunctionThrowsPassesThrough) {
  EXPECT_THROW(sample([](int) { throw std::out_of_range("x"); }, {}), std::out_of_range);
}

TEST(Sampler, RefusesOptionsThatCannotBeMet) {
  const auto refuse = [](auto change) {
    SamplerOptions options;
    change(options);
    EXPECT_THROW(sample([](int) {}, options), Error);
  };
  refuse([](SamplerOptions& o) { o.sets = 0; });
  refuse([](SamplerOptions& o) { o.warm_up = -1; });
  refuse([](SamplerOptions& o) { o.min_samples = 0; });
  refuse([](SamplerOptions& o) { o.max_samples = 9; });
  refuse([](SamplerOptions& o) { o.max_seconds = 0.0; });
  refuse([](SamplerOptions& o) { o.max_seconds = std::nan(""); });
  refuse([](SamplerOptions& o) { o.target_precision = -0.1; });
  refuse([](SamplerOptions& o) { o.confidence = 1.0; });
  EXPECT_THROW(sample({}, {}), Error);
}

TEST(Rotation, TogetherExceedsTwiceTheCacheWithNoSetTooMany) {
  for (const std::size_t cache : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{32} << 20}) {
    for (const std::size_t bytes :
         {cache / 100 + 1, cache / 3 + 1, cache / 2 + 1, cache + 1, 2 * cache + 1, 9 * cache + 9}) {
      const Rotation rotation = sets_for(bytes, cache, std::nullopt);
      const std::size_t sets = static_cast<std::size_t>(rotation.sets);
      EXPECT_GT(sets * bytes, 2 * cache);
      EXPECT_LE((sets - 1) * bytes, 2 * cache);
      EXPECT_TRUE(rotation.beyond_cache);
    }
  }
  EXPECT_EQ(sets_for(32, 32, std::nullopt).sets, 3);
}

TEST(Rotation, SaysWhenMemoryAllowsFewer) {
  const Rotation rotation = sets_for(100, 1000, 550);
  EXPECT_EQ(rotation.sets, 5);
  EXPECT_FALSE(rotation.beyond_cache);
  EXPECT_TRUE(sets_for(100, 1000, 2100).beyond_cache);
  EXPECT_EQ(sets_for(100, 1000, 2100).sets, 21);
}

TEST(Rotation, RefusesEmptySetsAndSetsLargerThanMemory) {
  EXPECT_THROW(sets_for(0, 1000, std::nullopt), Error);
  try {
    sets_for(100, 1000, 99);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_NE(std::string(error.what()).find("100"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("99"), std::string::npos);
  }
}

TEST(Rotation, DoesNotOverflow) {
  EXPECT_FALSE(sets_for(1, SIZE_MAX / 4, std::nullopt).beyond_cache);
  EXPECT_EQ(sets_for(SIZE_MAX, SIZE_MAX / 4, std::nullopt).sets, 1);
}

}  // namespace
}  // namespace thresher::measure
