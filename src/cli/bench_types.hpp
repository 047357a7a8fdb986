// What bench is asked for and what it finds: data only, so that printing comes last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "device/ceilings.hpp"
#include "format/generate.hpp"
#include "thresher/config.hpp"
#include "thresher/problem.hpp"

namespace thresher::cli {

struct BenchOptions {
  std::vector<std::string> cases;  // empty: all
  std::optional<std::filesystem::path> folder;
  Op op = Op::gated;
  CpuConfig config;
  Recipe recipe = Recipe::normal;
  OperandType operand = OperandType::nvfp4;
  OutputType output = OutputType::fp16;
  ActivationKind activation = ActivationKind::silu;
  bool bias = false;
  double seconds = 2.0;  // of timing, per case
  int samples = 1000;    // at most
  std::uint64_t seed = 1;
};

/// Times of a case; there are none where the answer was wrong.
struct BenchTimes {
  double median_us = 0.0;
  std::optional<double> low_us;  // 95 % interval of the median; none below 6 samples
  std::optional<double> high_us;
  int samples = 0;
  double floor_us = 0.0;
  bool memory_bound = false;        // which ceiling makes the floor
  double floor_fraction = 0.0;      // floor / median: 1 is the floor itself
  double rate_fraction = 0.0;       // of the measured multiply-add rate of the instruction set that ran
  double bandwidth_fraction = 0.0;  // of the measured read bandwidth
  double tflops = 0.0;
  double gbytes_per_s = 0.0;
};

struct BenchResult {
  std::string case_name;
  Op op = Op::gated;
  Isa isa = Isa::automatic;  // that ran; automatic when nothing did
  CpuConfig config;          // as resolved
  std::optional<double> target_us;
  std::string target_source;
  int sets = 0;
  std::size_t set_bytes = 0;
  bool beyond_cache = true;
  std::optional<double> max_rel_err;
  std::optional<BenchTimes> times;
  bool ok = false;
  std::string error;  // empty exactly when ok
};

struct BenchReport {
  std::string device;
  std::string machine;
  std::string cases_from;
  std::vector<device::Ceilings> ceilings;  // one for each (instruction set, threads) that ran
  std::vector<BenchResult> results;
  bool interrupted = false;
};

}  // namespace thresher::cli
