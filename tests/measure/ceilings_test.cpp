// Measuring ceilings with made-up kernels, and keeping them.
#include "measure/ceilings.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "device/cpu_info.hpp"
#include "device/files.hpp"
#include "measure/ceilings_store.hpp"
#include "measure/read_patterns.hpp"
#include "temporary_folder.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

// A kernel of known speed: an iteration is 1 us of waiting and counts as 1000 flops, so 1 GFLOP/s a thread.
std::atomic<int> entered{0};
std::atomic<int> left{0};

double wait_one_microsecond_each(std::int64_t iterations) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(iterations);
  std::this_thread::sleep_until(end);
  return 1000.0 * static_cast<double>(iterations);
}

cpu::IsaKernels fake_kernels() {
  cpu::IsaKernels kernels{};
  kernels.name = "fake";
  kernels.enter = [] { ++entered; };
  kernels.leave = [] { ++left; };
  kernels.spin_multiply_add = wait_one_microsecond_each;
  return kernels;
}

TEST(MeasureMultiplyAdd, FindsAKnownRateAndAddsUpThreads) {
  entered = left = 0;
  const cpu::IsaKernels kernels = fake_kernels();
  // A busy machine wakes a sleeper late, which can only lower a rate: the best of several tries is held to the truth.
  double one = 0;
  double two = 0;
  for (int attempt = 0; attempt < 10 && (one < 0.8e9 || two < 1.6e9); ++attempt) {
    one = std::max(one, measure_multiply_add(kernels, 1, 5, 0.02).median);
    two = std::max(two, measure_multiply_add(kernels, 2, 5, 0.02).median);
  }
  EXPECT_NEAR(one, 1e9, 0.2e9);
  EXPECT_NEAR(two, 2e9, 0.4e9);
  EXPECT_GT(entered, 0);
  EXPECT_EQ(entered, left);
}

TEST(MeasureMultiplyAdd, WorksWithoutEnterAndLeave) {
  cpu::IsaKernels kernels = fake_kernels();
  kernels.enter = nullptr;
  kernels.leave = nullptr;
  EXPECT_GT(measure_multiply_add(kernels, 1, 1, 0.005).median, 0.0);
}

// A pass of every second call takes twice as long: what a neighbour does to a measurement.
std::atomic<int> spins{0};

double every_second_is_slow(std::int64_t iterations) {
  const bool slow = ++spins % 2 == 0;
  wait_one_microsecond_each(slow ? 2 * iterations : iterations);
  return 1000.0 * static_cast<double>(iterations);
}

TEST(MeasureMultiplyAdd, TellsHowFarPassesDisagree) {
  cpu::IsaKernels kernels = fake_kernels();
  EXPECT_EQ(measure_multiply_add(kernels, 1, 1, 0.002).spread, 0.0);
  kernels.spin_multiply_add = every_second_is_slow;
  EXPECT_GT(measure_multiply_add(kernels, 1, 8, 0.005).spread, kSteadySpread);
}

TEST(MeasureReadBandwidth, IsPlausibleAndRefusesNonsense) {
  const double rate = measure_read_bandwidth(std::size_t{8} << 20, 1, 3).median;
  EXPECT_GT(rate, 1e8);
  EXPECT_LT(rate, 1e13);
  EXPECT_THROW(measure_read_bandwidth(std::size_t{8} << 20, 0, 3), Error);
  EXPECT_THROW(measure_read_bandwidth(std::size_t{8} << 20, 1, 0), Error);
  EXPECT_THROW(measure_read_bandwidth(100, 1, 1), Error);
}

TEST(ReadPatterns, EveryPatternReadsEveryWord) {
  constexpr std::size_t kWords = 1024;
  for (const ReadPattern& pattern : read_patterns()) {
    SCOPED_TRACE(pattern.name);
    std::vector<std::uint64_t> data(kWords, 0);
    EXPECT_EQ(pattern.loop(data.data(), kWords), 0u);
    for (std::size_t i = 0; i < kWords; ++i) {
      data[i] = std::uint64_t{1} << (i % 64);
      EXPECT_EQ(pattern.loop(data.data(), kWords), data[i]);
      data[i] = 0;
    }
  }
}

TEST(ReadBufferBytes, IsBeyondTheCachesAndWithinMemory) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  EXPECT_EQ(read_buffer_bytes(8 * kMiB, std::nullopt), 256 * kMiB);
  EXPECT_GT(read_buffer_bytes(256 * kMiB, std::nullopt), 1024 * kMiB);
  EXPECT_EQ(read_buffer_bytes(256 * kMiB, 800 * kMiB), 200 * kMiB);
  EXPECT_GT(read_buffer_bytes(256 * kMiB, 0), 0u);
}

CeilingOptions quick_options(const cpu::IsaKernels& kernels) {
  CeilingOptions options;
  options.threads = 1;
  options.isas = {Isa::portable};
  options.passes = 3;
  options.seconds_per_pass = 0.005;
  options.buffer_bytes = std::size_t{4} << 20;
  options.kernels = [&kernels](Isa isa) { return isa == Isa::portable ? &kernels : nullptr; };
  return options;
}

TEST(MeasureCeilings, FillsEverythingAndTellsItsSteps) {
  const cpu::IsaKernels kernels = fake_kernels();
  CeilingOptions options = quick_options(kernels);
  std::vector<std::string> steps;
  options.progress = [&steps](const std::string& step) { steps.push_back(step); };
  std::vector<std::string> spreads;
  options.spread = [&spreads](const std::string& step, double spread) {
    EXPECT_GE(spread, 0.0);
    spreads.push_back(step);
  };
  const device::Ceilings ceilings = measure_ceilings(options);
  EXPECT_EQ(ceilings.machine, device::machine_key(device::cpu_info()));
  EXPECT_EQ(ceilings.threads, 1);
  EXPECT_EQ(ceilings.measured_at.size(), std::string("2026-01-01T00:00:00Z").size());
  EXPECT_GT(ceilings.read_bytes_per_second, 0.0);
  EXPECT_NEAR(ceilings.rate(Isa::portable).value(), 1e9, 0.3e9);
  EXPECT_EQ(ceilings.rate(Isa::amx), std::nullopt);
  EXPECT_EQ(steps, (std::vector<std::string>{"read bandwidth", "multiply-add rate of portable"}));
  EXPECT_EQ(spreads, steps);
}

TEST(MeasureCeilings, RefusesWhatCannotRunHere) {
  const cpu::IsaKernels kernels = fake_kernels();
  for (const IsaStatus& status : device::cpu_info().isas) {
    if (status.usable) continue;
    CeilingOptions options = quick_options(kernels);
    options.isas = {status.isa};
    try {
      measure_ceilings(options);
      ADD_FAILURE() << to_string(status.isa);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_NE(std::string(error.what()).find(status.why_not), std::string::npos);
    }
  }
  CeilingOptions without = quick_options(kernels);
  without.kernels = [](Isa) -> const cpu::IsaKernels* { return nullptr; };
  EXPECT_THROW(measure_ceilings(without), Error);
}

device::Ceilings example() {
  device::Ceilings ceilings;
  ceilings.machine = "some-cpu-4c";
  ceilings.measured_at = "2026-01-02T03:04:05Z";
  ceilings.threads = 4;
  ceilings.read_bytes_per_second = 1.0 / 3.0 * 1e11;
  ceilings.flops_per_second = {{Isa::portable, 1e10}, {Isa::avx2, 1.5e11}};
  return ceilings;
}

TEST(CeilingsStore, ReadsBackExactlyWhatItWrote) {
  const TemporaryFolder folder;
  EXPECT_EQ(load_ceilings(folder.path() / "new", "some-cpu-4c", 4), std::nullopt);
  store_ceilings(folder.path() / "new", example());
  EXPECT_EQ(load_ceilings(folder.path() / "new", "some-cpu-4c", 4), example());
  EXPECT_EQ(load_ceilings(folder.path() / "new", "some-cpu-4c", 1), std::nullopt);
  EXPECT_EQ(load_ceilings(folder.path() / "new", "other-cpu-4c", 4), std::nullopt);
}

TEST(StoredCeilings, AreNotBelievedWhenTheMachineDoesTwiceAsMuchOrHalf) {
  const device::Ceilings fresh = example();
  EXPECT_EQ(why_unbelievable(fresh, fresh), std::nullopt);
  device::Ceilings stored = fresh;
  stored.read_bytes_per_second *= 1.99;
  EXPECT_EQ(why_unbelievable(stored, fresh), std::nullopt);
  for (const double factor : {2.01, 0.49}) {
    stored = fresh;
    stored.read_bytes_per_second *= factor;
    const std::string read = why_unbelievable(stored, fresh).value_or("believed");
    EXPECT_NE(read.find("read bandwidth was"), std::string::npos) << read;
    EXPECT_NE(read.find("33.33 now"), std::string::npos) << read;
    EXPECT_NE(read.find("2026-01-02"), std::string::npos) << read;
    stored = fresh;
    stored.flops_per_second[Isa::avx2] *= factor;
    const std::string rate = why_unbelievable(stored, fresh).value_or("believed");
    EXPECT_NE(rate.find("multiply-add rate of avx2"), std::string::npos) << rate;
  }
  // What only one of the two measured can't be compared.
  stored = fresh;
  stored.flops_per_second.erase(Isa::avx2);
  stored.flops_per_second[Isa::amx] = 1.0;
  EXPECT_EQ(why_unbelievable(stored, fresh), std::nullopt);
}

void expect_corrupt(const std::filesystem::path& folder, const std::string& content) {
  SCOPED_TRACE(content);
  const std::filesystem::path path = ceilings_path(folder, "some-cpu-4c", 4);
  device::write_whole_file(path, content);
  try {
    load_ceilings(folder, "some-cpu-4c", 4);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::parse);
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("delete it or run 'thresher ceilings'"), std::string::npos);
  }
}

TEST(CeilingsStore, NamesACorruptFileAndTheWayOut) {
  const TemporaryFolder folder;
  store_ceilings(folder.path(), example());
  const std::string good = device::read_whole_file(ceilings_path(folder.path(), "some-cpu-4c", 4));
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (std::size_t length = 0; length + 2 < good.size(); length += 7) {
    expect_corrupt(folder.path(), good.substr(0, length));
  }
  expect_corrupt(folder.path(), "[]");
  expect_corrupt(folder.path(), "\xff\xfe");
  expect_corrupt(folder.path(), with("\"schema\": 1", "\"schema\": 2"));
  expect_corrupt(folder.path(), with("some-cpu-4c", "copied-from-another-1c"));
  expect_corrupt(folder.path(), with("\"threads\": 4", "\"threads\": 8"));
  expect_corrupt(folder.path(), with("\"threads\"", "\"thread\""));
  expect_corrupt(folder.path(), with("\"avx2\"", "\"avx3\""));
  expect_corrupt(folder.path(), with("\"avx2\"", "\"automatic\""));
  expect_corrupt(folder.path(), with("10000000000.0", "-1"));
  expect_corrupt(folder.path(), with("10000000000.0", "null"));
  expect_corrupt(folder.path(), with("10000000000.0", "0"));
}

TEST(CacheFolder, SaysWhichVariablesAreMissing) {
  device::Environment environment;
  try {
    cache_folder(environment);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::environment);
    EXPECT_NE(std::string(error.what()).find("THRESHER_CACHE_DIR"), std::string::npos);
  }
  environment.cache_dir = "/x";
  EXPECT_EQ(cache_folder(environment), "/x");
}

}  // namespace
}  // namespace thresher::measure
