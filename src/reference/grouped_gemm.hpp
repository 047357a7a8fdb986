// The truth: both ops in double, slow and obvious, with the tolerance of every element.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "format/generate.hpp"
#include "format/nvfp4_matrix.hpp"
#include "reference/tolerance.hpp"

namespace thresher::reference {

/// Which output elements to compute: the product of `rows` (of all groups, 0 .. total_m-1) and `cols`, each ascending
/// without repetition. With NVFP4 output, cols must be whole aligned blocks of 16.
struct Selection {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> cols;
};

/// Every element.
Selection select_all(const Problem& problem);

/// At most about max_rows x max_cols elements, for problems too large to check in full: the first and last row of every
/// group, the first and last columns (whole blocks with NVFP4 output), the rest drawn from the seed.
Selection select_sample(const Problem& problem, std::int64_t max_rows, std::int64_t max_cols, std::uint64_t seed);

/// Values and tolerances of the selected elements, [rows.size(), cols.size()].
struct Result {
  Selection selection;
  OutputType output = OutputType::fp16;
  std::vector<double> value;      // before rounding to the output type
  std::vector<double> error;      // bound on a correct kernel's error before that rounding
  std::vector<double> tolerance;  // absolute, that rounding included (nvfp4: equal to error)

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(value.size()); }
};

/// Gives the weights of (group, which: 0 gate or plain, 1 up). Called once for each group that has selected rows.
using WeightsOf = std::function<Nvfp4Matrix(std::int64_t group, int which)>;

/// Computes the selected elements (null: all). Throws Error(invalid_argument) for a selection outside the problem, or
/// data whose sizes don't match it.
Result compute(const ProblemData& data, const Selection* selection = nullptr, const AccumulatorModel& accumulator = {});

/// The same, for data made by generate_activations() with weights made on demand, so that they need not all fit memory.
Result compute(const ProblemData& data, const WeightsOf& weights, const Selection* selection = nullptr,
               const AccumulatorModel& accumulator = {});

}  // namespace thresher::reference
