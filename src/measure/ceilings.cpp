// Times read loops and multiply-add loops on all threads at once.
#include "measure/ceilings.hpp"

#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

#include "cpu/grouped_gemm.hpp"
#include "device/cpu_info.hpp"
#include "device/memory.hpp"
#include "device/utc_time.hpp"
#include "measure/read_patterns.hpp"
#include "measure/statistics.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Every thread's share is a multiple of this, so that all patterns divide it and shares start on their own pages.
constexpr std::size_t kShareUnit = 4096;

// Anonymous memory whose pages appear on the memory node of the thread that first writes them.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes) : bytes_(bytes) {
    data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) {
      throw Error(ErrorCode::out_of_memory, "cannot take " + std::to_string(bytes) +
                                                " bytes to measure the bandwidth; free memory and try again");
    }
    // Best effort: huge pages keep address translation out of the measurement, as they do for packed weights.
    madvise(data_, bytes, MADV_HUGEPAGE);
  }
  ~Buffer() { munmap(data_, bytes_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  [[nodiscard]] std::uint64_t* words() const { return static_cast<std::uint64_t*>(data_); }

 private:
  void* data_;
  std::size_t bytes_;
};

void require_positive(const char* what, double value) {
  if (std::isfinite(value) && value > 0.0) return;
  throw Error(ErrorCode::invalid_argument,
              std::string("measuring a ceiling needs ") + what + " above 0, not " + std::to_string(value));
}

struct TeamTime {
  double seconds = 0.0;  // from the first thread's start to the last one's end
  double sum = 0.0;      // of what the threads returned
};

// Runs work(thread) on `threads` threads that start together. `enter` and `leave` are outside the timed part.
template <typename Enter, typename Work, typename Leave>
TeamTime time_team(int threads, const Enter& enter, const Work& work, const Leave& leave) {
  SteadyClock::time_point first = SteadyClock::time_point::max();
  SteadyClock::time_point last = SteadyClock::time_point::min();
  double sum = 0.0;
  int team = 0;
#pragma omp parallel num_threads(threads)
  {
    enter();
#pragma omp single  // ends with a barrier: all start together
    team = omp_get_num_threads();
    const SteadyClock::time_point start = SteadyClock::now();
    const double result = work(omp_get_thread_num());
    const SteadyClock::time_point end = SteadyClock::now();
#pragma omp critical(thresher_team_time)
    {
      first = std::min(first, start);
      last = std::max(last, end);
      sum += result;
    }
    leave();
  }
  if (team != threads) {
    throw Error(ErrorCode::environment, "asked for " + std::to_string(threads) + " threads but OpenMP gave " +
                                            std::to_string(team) + "; check OMP_THREAD_LIMIT and OMP_DYNAMIC");
  }
  return {std::chrono::duration<double>(last - first).count(), sum};
}

void nothing() {}

PassRates summarise(const std::vector<double>& rates) {
  const double middle = *median(rates);
  return {middle, middle > 0.0 ? (*quantile(rates, 0.75) - *quantile(rates, 0.25)) / middle : 0.0};
}

void require_usable(Isa isa) {
  for (const IsaStatus& status : device::cpu_info().isas) {
    if (status.isa != isa || status.usable) continue;
    throw Error(ErrorCode::unsupported, std::string("cannot measure ") + to_string(isa) + " here: " + status.why_not);
  }
}

std::vector<Isa> usable_isas() {
  std::vector<Isa> result;
  for (const IsaStatus& status : device::cpu_info().isas) {
    if (status.usable) result.push_back(status.isa);
  }
  return result;
}

}  // namespace

std::size_t read_buffer_bytes(std::size_t llc_bytes, std::optional<std::size_t> available_bytes) {
  constexpr std::size_t kLeast = std::size_t{256} << 20;
  std::size_t bytes = std::max(kLeast, 4 * llc_bytes + kShareUnit);
  if (available_bytes) bytes = std::min(bytes, *available_bytes / 4);
  return std::max(bytes / kShareUnit * kShareUnit, kShareUnit);
}

PassRates measure_read_bandwidth(std::size_t buffer_bytes, int threads, int passes) {
  require_positive("threads", threads);
  require_positive("passes", passes);
  const std::size_t share = buffer_bytes / static_cast<std::size_t>(threads) / kShareUnit * kShareUnit;
  require_positive("a share of the buffer for each thread (of whole pages)", static_cast<double>(share));
  const std::size_t words = share / sizeof(std::uint64_t);
  const Buffer buffer(share * static_cast<std::size_t>(threads));
  const auto part = [&](int thread) { return buffer.words() + static_cast<std::size_t>(thread) * words; };
  time_team(
      threads, nothing,
      [&](int thread) {
        std::fill_n(part(thread), words, 0x9e3779b97f4a7c15u + static_cast<unsigned>(thread));
        return 0.0;
      },
      nothing);

  std::atomic<std::uint64_t> sink{0};
  PassRates best;
  for (const ReadPattern& pattern : read_patterns()) {
    std::vector<double> rates;
    for (int pass = -1; pass < passes; ++pass) {  // pass -1 warms up
      const TeamTime time = time_team(
          threads, nothing,
          [&](int thread) {
            sink.fetch_xor(pattern.loop(part(thread), words), std::memory_order_relaxed);
            return static_cast<double>(share);
          },
          nothing);
      if (pass >= 0) rates.push_back(time.sum / time.seconds);
    }
    const PassRates pattern_rates = summarise(rates);
    if (pattern_rates.median > best.median) best = pattern_rates;
  }
  return best;
}

PassRates measure_multiply_add(const cpu::IsaKernels& kernels, int threads, int passes, double seconds_per_pass) {
  require_positive("threads", threads);
  require_positive("passes", passes);
  require_positive("seconds per pass", seconds_per_pass);
  const auto enter = [&kernels] {
    if (kernels.enter != nullptr) kernels.enter();
  };
  const auto leave = [&kernels] {
    if (kernels.leave != nullptr) kernels.leave();
  };
  const auto spin = [&](std::int64_t iterations) {
    return time_team(
        threads, enter, [&](int) { return kernels.spin_multiply_add(iterations); }, leave);
  };

  // Finding the iterations warms up too: clocks of wide units settle within a few milliseconds.
  constexpr std::int64_t kMostIterations = std::int64_t{1} << 50;
  std::int64_t iterations = 1000;
  TeamTime time = spin(iterations);
  while (time.seconds < seconds_per_pass / 4 && iterations < kMostIterations) {
    iterations *= 2;
    time = spin(iterations);
  }
  const double scale = std::max(1.0, seconds_per_pass / std::max(time.seconds, 1e-9));
  iterations = static_cast<std::int64_t>(static_cast<double>(iterations) * std::min(scale, 8.0));

  std::vector<double> rates;
  for (int pass = 0; pass < passes; ++pass) {
    time = spin(iterations);
    rates.push_back(time.sum / time.seconds);
  }
  return summarise(rates);
}

device::Ceilings measure_ceilings(const CeilingOptions& options) {
  const device::CpuInfo& info = device::cpu_info();
  const auto tell = [&options](const std::string& step) {
    if (options.progress) options.progress(step);
  };
  const std::vector<Isa> isas = options.isas.empty() ? usable_isas() : options.isas;
  for (const Isa isa : isas) {
    require_usable(isa);
  }

  device::Ceilings ceilings;
  ceilings.machine = device::machine_key(info);
  ceilings.measured_at = device::utc_time();
  ceilings.threads = options.threads > 0 ? options.threads : omp_get_max_threads();

  const std::size_t bytes =
      options.buffer_bytes.value_or(read_buffer_bytes(info.l3_bytes, device::available_memory_bytes()));
  const auto told = [&](const std::string& step, const auto& measure) {
    tell(step);
    const PassRates rates = measure();
    if (options.spread) options.spread(step, rates.spread);
    return rates.median;
  };
  ceilings.read_bytes_per_second =
      told("read bandwidth", [&] { return measure_read_bandwidth(bytes, ceilings.threads, options.passes); });
  for (const Isa isa : isas) {
    const cpu::IsaKernels* kernels = options.kernels ? options.kernels(isa) : cpu::kernels(isa);
    if (kernels == nullptr) {
      throw Error(ErrorCode::unsupported, std::string("this build has no kernel for ") + to_string(isa));
    }
    ceilings.flops_per_second[isa] = told(std::string("multiply-add rate of ") + to_string(isa), [&] {
      return measure_multiply_add(*kernels, ceilings.threads, options.passes, options.seconds_per_pass);
    });
  }
  return ceilings;
}

std::optional<std::string> why_unbelievable(const device::Ceilings& stored, const device::Ceilings& fresh) {
  constexpr double kMost = 2.0;
  std::optional<std::string> why;
  const auto compare = [&](const std::string& what, const char* unit, double before, double now) {
    if (why || (before <= kMost * now && now <= kMost * before)) return;
    char text[160];
    std::snprintf(text, sizeof text, "%s was %.4g %s on %s and is %.4g now", what.c_str(), before * 1e-9, unit,
                  stored.measured_at.c_str(), now * 1e-9);
    why = std::string(text) + ": more than a factor of 2 apart";
  };
  compare("the read bandwidth", "GB/s", stored.read_bytes_per_second, fresh.read_bytes_per_second);
  for (const auto& [isa, rate] : fresh.flops_per_second) {
    const std::optional<double> before = stored.rate(isa);
    if (before) compare(std::string("the multiply-add rate of ") + to_string(isa), "GFLOP/s", *before, rate);
  }
  return why;
}

}  // namespace thresher::measure
