// Accumulators to outputs: scaling, activation, conversion and store, by output type and op.
#include "bench_main.hpp"

namespace {

using namespace thresher;

void finish(benchmark::State& state, Isa isa, Op op, OutputType output, bool streaming) {
  bench::KernelCase one(isa, {.op = op, .output = output, .tokens = 128, .panels = 8, .k = 512});
  std::int64_t panel = 0;
  double outputs = 0;
  for (auto _ : state) {
    outputs += static_cast<double>(one.finish(panel, streaming));
    panel = (panel + 1) % one.shape().panels;
  }
  state.counters["outputs/s"] = bench::rate(outputs);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Isa isa : bench::usable_isas()) {
    for (const Op op : {Op::gated, Op::plain}) {
      for (const OutputType output : {OutputType::fp16, OutputType::bf16, OutputType::fp32, OutputType::nvfp4}) {
        const std::string name = std::string("finish/") + to_string(op) + "/" + to_string(output);
        bench::register_for(isa, name, [=](auto& state, Isa own) { finish(state, own, op, output, false); });
      }
    }
    bench::register_for(isa, "finish/gated/fp16/streaming",
                        [](auto& state, Isa own) { finish(state, own, Op::gated, OutputType::fp16, true); });
  }
  return bench::run_benchmarks(argc, argv);
}
