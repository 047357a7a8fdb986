// The rows that bench prints, one as each case ends.
#pragma once

#include <string>

#include "cli/bench_types.hpp"
#include "cli/table.hpp"
#include "device/ceilings.hpp"

namespace thresher::cli {

Table bench_table();

/// Cells of a result; where there is no time, dashes and "WRONG" or "FAILED".
std::vector<std::string> bench_cells(const BenchResult& result);

/// What the table leaves out: the error of a case, and whether its data fitted a cache. Empty when there is nothing.
std::string bench_remark(const BenchResult& result);

/// "read 30.1 GB/s, amx 6520 GFLOP/s on 2 threads".
std::string ceilings_line(const device::Ceilings& ceilings);

}  // namespace thresher::cli
