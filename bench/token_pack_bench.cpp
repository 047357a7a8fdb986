// Activations into the token tiles that are multiplied, by their type.
#include "bench_main.hpp"

namespace {

using namespace thresher;

void pack_tokens(benchmark::State& state, Isa isa, OperandType operand) {
  bench::KernelCase one(isa, {.operand = operand, .tokens = state.range(0), .panels = 1, .k = 7168});
  for (auto _ : state)
    one.pack_tokens();
  const double elements = static_cast<double>(one.shape().tokens * one.shape().k);
  state.counters["elements/s"] = bench::rate(elements * static_cast<double>(state.iterations()));
}

}  // namespace

int main(int argc, char** argv) {
  for (const Isa isa : bench::usable_isas()) {
    for (const OperandType operand : {OperandType::nvfp4, OperandType::fp16, OperandType::bf16}) {
      bench::register_for(isa, std::string("pack_tokens/") + to_string(operand),
                          [operand](auto& state, Isa own) { pack_tokens(state, own, operand); })
          ->ArgName("tokens")
          ->Arg(4)
          ->Arg(128);
    }
  }
  return bench::run_benchmarks(argc, argv);
}
