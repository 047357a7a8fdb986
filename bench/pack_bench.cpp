// Weights from a checkpoint's order into panels; done once per weight, but for hundreds of gigabytes.
#include "bench_main.hpp"
#include "format/scale_layout.hpp"

namespace {

using namespace thresher;

void pack(benchmark::State& state, Op op, ScaleLayout layout) {
  // The steps of the packed weights are checked against the reference before anything is timed.
  bench::KernelCase checked(Isa::portable, {.op = op, .tokens = 2, .panels = 8, .k = 7168});
  Problem problem = checked.problem();
  problem.n = 1024;
  std::vector<Nvfp4Matrix> matrices;
  std::vector<Nvfp4View> views;
  const int count = op == Op::gated ? 2 : 1;
  for (int which = 0; which < count; ++which)
    matrices.push_back(generate_weights(problem, Recipe::normal, 3, 0, which));
  for (Nvfp4Matrix& matrix : matrices) {
    if (layout == ScaleLayout::swizzled_128x4) matrix.scales = swizzle_scales(matrix.scales, matrix.rows, matrix.k);
    views.push_back(matrix.view());
    views.back().layout = layout;
  }
  PackedWeights weights({.op = op, .groups = 1, .n = problem.n, .k = problem.k});
  for (auto _ : state) {
    if (op == Op::gated) {
      weights.pack(0, views[0], views[1]);
    } else {
      weights.pack(0, views[0]);
    }
  }
  const double elements = static_cast<double>(count * problem.n * problem.k * state.iterations());
  state.counters["weights/s"] = bench::rate(elements);
  state.counters["packed_bytes/s"] = bench::rate(elements * 9 / 16);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Op op : {Op::gated, Op::plain}) {
    for (const ScaleLayout layout : {ScaleLayout::row_major, ScaleLayout::swizzled_128x4}) {
      const std::string name =
          std::string("pack/") + to_string(op) + (layout == ScaleLayout::row_major ? "/row_major" : "/swizzled_128x4");
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
        try {
          pack(state, op, layout);
        } catch (const std::exception& error) {
          state.SkipWithError(error.what());
        }
      })->Unit(benchmark::kMillisecond);
    }
  }
  return bench::run_benchmarks(argc, argv);
}
