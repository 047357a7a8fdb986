// Bench results of a GPU as rows and as JSON.
#pragma once

#include <string>
#include <vector>

#include "cli/gpu_bench_types.hpp"
#include "cli/json_output.hpp"
#include "cli/table.hpp"

namespace thresher::cli {

Table gpu_bench_table();
std::vector<std::string> gpu_bench_cells(const GpuBenchResult& result);

/// "copy 4200 GB/s, cuBLAS fp16 700 TFLOP/s (libcublas.so.12)", or why there is no rate.
std::string ceilings_line(const measure::GpuCeilings& ceilings);

Json to_json(const measure::GpuCeilings& ceilings);
Json to_json(const GpuBenchResult& result);
Json to_json(const GpuBenchReport& report);

}  // namespace thresher::cli
