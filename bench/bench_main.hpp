// Registers a benchmark once for every instruction set that this machine can run, and the main() they share.
#pragma once

#include <benchmark/benchmark.h>

#include <exception>
#include <iostream>
#include <string>

#include "kernel_case.hpp"

namespace thresher::bench {

/// `body(state, isa)` under the name "name/isa"; returned to add arguments to.
template <typename Body>
benchmark::internal::Benchmark* register_for(Isa isa, const std::string& name, Body body) {
  return benchmark::RegisterBenchmark((name + "/" + to_string(isa)).c_str(), [body, isa](benchmark::State& state) {
    try {
      body(state, isa);
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
    }
  });
}

inline benchmark::Counter rate(double amount) {
  return benchmark::Counter(amount, benchmark::Counter::kIsRate);
}

inline int run_benchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace thresher::bench
