// Packed NVFP4 panels to the buffers that are multiplied: from the cache, and from memory.
#include "bench_main.hpp"

namespace {

using namespace thresher;

// 8 panels stay in a level 2 cache; 1024 panels, 132 MB, in none that a benchmark machine is likely to have to itself.
void dequantise(benchmark::State& state, Isa isa) {
  bench::KernelCase one(isa, {.tokens = 1, .panels = state.range(0), .k = 7168});
  std::int64_t panel = 0;
  double weights = 0;
  for (auto _ : state) {
    for (std::int64_t block = 0; block < one.blocks(); ++block)
      weights += static_cast<double>(one.dequantise(panel, block));
    panel = (panel + 1) % one.shape().panels;
  }
  state.counters["weights/s"] = bench::rate(weights);
  state.counters["packed_bytes/s"] = bench::rate(weights * 9 / 16);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Isa isa : bench::usable_isas())
    bench::register_for(isa, "dequantise", dequantise)->ArgName("panels")->Arg(2)->Arg(1024);
  return bench::run_benchmarks(argc, argv);
}
