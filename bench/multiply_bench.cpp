// The multiply loop over a dequantised panel, by the number of tokens, and next to it the rate of nothing but
// multiply-adds: their quotient is what the loop reaches.
#include "bench_main.hpp"
#include "cpu/grouped_gemm.hpp"

namespace {

using namespace thresher;

void multiply(benchmark::State& state, Isa isa, OperandType operand) {
  bench::KernelCase one(isa, {.operand = operand, .tokens = state.range(0), .panels = 1, .k = 512});
  one.dequantise(0, 0);
  double flops = 0;
  for (auto _ : state)
    flops += one.multiply(0);
  state.counters["flop/s"] = bench::rate(flops);
}

// What a task does: every k block dequantised, then multiplied.
void dequantise_and_multiply(benchmark::State& state, Isa isa) {
  bench::KernelCase one(isa, {.tokens = state.range(0), .panels = 2, .k = 7168});
  double flops = 0;
  std::int64_t panel = 0;
  for (auto _ : state) {
    for (std::int64_t block = 0; block < one.blocks(); ++block) {
      one.dequantise(panel, block);
      flops += one.multiply(block);
    }
    panel = 1 - panel;
  }
  state.counters["flop/s"] = bench::rate(flops);
}

void spin(benchmark::State& state, Isa isa) {
  const cpu::IsaKernels& kernels = *cpu::kernels(isa);
  if (kernels.enter != nullptr) kernels.enter();
  double flops = 0;
  for (auto _ : state)
    flops += kernels.spin_multiply_add(100000);
  if (kernels.leave != nullptr) kernels.leave();
  state.counters["flop/s"] = bench::rate(flops);
}

void tokens(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("tokens");
  for (const int count : {1, 4, 16, 64, 176})
    benchmark->Arg(count);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Isa isa : bench::usable_isas()) {
    bench::register_for(isa, "spin", spin);
    bench::register_for(isa, "multiply", [](auto& state, Isa own) {
      multiply(state, own, OperandType::nvfp4);
    })->Apply(tokens);
    bench::register_for(isa, "multiply_fp16", [](auto& state, Isa own) {
      multiply(state, own, OperandType::fp16);
    })->Apply(tokens);
    bench::register_for(isa, "dequantise_and_multiply", dequantise_and_multiply)->Apply(tokens);
  }
  return bench::run_benchmarks(argc, argv);
}
