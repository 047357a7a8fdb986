// Both ops in double: dequantise exactly, add up in order, activate.
#include "reference/grouped_gemm.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "format/half.hpp"
#include "format/quantize.hpp"
#include "thresher/error.hpp"

namespace thresher::reference {
namespace {

// Columns that share one pass over a row of A; independent sums, so that the compiler may vectorise without reordering
// any of them.
constexpr std::int64_t kColumns = 8;

struct Sums {
  std::array<double, kColumns> sum{};
  std::array<double, kColumns> squares{};
};

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

void check_ascending(const std::vector<std::int64_t>& indices, std::int64_t end, const char* what) {
  std::int64_t previous = -1;
  for (const std::int64_t index : indices) {
    if (index <= previous || index >= end) {
      refuse("selected " + std::string(what) + " " + std::to_string(index) + " after " + std::to_string(previous) +
             ": give them ascending, without repetition, below " + std::to_string(end));
    }
    previous = index;
  }
}

void check_selection(const Problem& problem, const Selection& selection) {
  check_ascending(selection.rows, problem.total_m(), "row");
  check_ascending(selection.cols, problem.n, "column");
  if (problem.output != OutputType::nvfp4) return;
  for (std::size_t i = 0; i < selection.cols.size(); ++i) {
    const std::size_t first = i / 16 * 16;
    const bool in_place = selection.cols[i] == selection.cols[first] + static_cast<std::int64_t>(i - first);
    if (selection.cols[first] % kScaleBlock != 0 || !in_place || selection.cols.size() % 16 != 0) {
      refuse("selected column " + std::to_string(selection.cols[i]) +
             " breaks a block: with nvfp4 output select whole aligned blocks of 16 columns");
    }
  }
}

void check_count(const char* what, std::size_t have, std::int64_t need) {
  if (have == static_cast<std::size_t>(need)) return;
  refuse(std::string(what) + " has " + std::to_string(have) + " elements, the problem needs " + std::to_string(need));
}

void check_data(const ProblemData& data) {
  const Problem& problem = data.problem;
  const std::int64_t rows = problem.total_m();
  check_count("offsets", data.offsets.size(), problem.groups() + 1);
  if (problem.operand == OperandType::nvfp4) {
    check_count("a_nvfp4.codes", data.a_nvfp4.codes.size(), rows * problem.k / 2);
    check_count("a_nvfp4.scales", data.a_nvfp4.scales.size(), rows * problem.k / kScaleBlock);
    check_count("a_global_scales", data.a_global_scales.size(), problem.groups());
  } else {
    check_count("a_half", data.a_half.size(), rows * problem.k);
  }
  if (!problem.bias) return;
  check_count("bias", data.bias.size(), problem.groups() * problem.n);
  if (problem.op == Op::gated) check_count("bias_up", data.bias_up.size(), problem.groups() * problem.n);
}

void check_weights(const Problem& problem, const Nvfp4Matrix& weights) {
  if (weights.rows == problem.n && weights.k == problem.k) return;
  refuse("weights of " + std::to_string(weights.rows) + " x " + std::to_string(weights.k) +
         " do not match n = " + std::to_string(problem.n) + ", k = " + std::to_string(problem.k));
}

// Row `row` of A without its global scale, exact.
void read_a_row(const ProblemData& data, std::int64_t row, double* out) {
  const std::int64_t k = data.problem.k;
  if (data.problem.operand == OperandType::nvfp4) {
    dequantise_row(data.a_nvfp4.view(), row, out);
    return;
  }
  const bool fp16 = data.problem.operand == OperandType::fp16;
  const std::uint16_t* half = data.a_half.data() + row * k;
  for (std::int64_t i = 0; i < k; ++i) {
    out[i] = static_cast<double>(fp16 ? fp16_to_float(half[i]) : bf16_to_float(half[i]));
  }
}

// Up to kColumns rows of B, interleaved: panel[k][kColumns], missing columns zero.
std::vector<double> read_panel(const Nvfp4Matrix& weights, const std::int64_t* cols, std::int64_t count) {
  std::vector<double> panel(static_cast<std::size_t>(weights.k * kColumns), 0.0);
  std::vector<double> row(static_cast<std::size_t>(weights.k));
  for (std::int64_t j = 0; j < count; ++j) {
    dequantise_row(weights.view(), cols[j], row.data());
    for (std::int64_t i = 0; i < weights.k; ++i) {
      panel[static_cast<std::size_t>(i * kColumns + j)] = row[static_cast<std::size_t>(i)];
    }
  }
  return panel;
}

Sums multiply(const double* a, const std::vector<double>& panel, std::int64_t k) {
  Sums sums;
  const double* b = panel.data();
  for (std::int64_t i = 0; i < k; ++i, b += kColumns) {
    for (std::size_t j = 0; j < kColumns; ++j) {
      const double product = a[i] * b[j];
      sums.sum[j] += product;
      sums.squares[j] += product * product;
    }
  }
  return sums;
}

// Everything about one group that its elements need.
struct Group {
  const ProblemData& data;
  const AccumulatorModel& accumulator;
  std::int64_t index;
  const Nvfp4Matrix& gate;
  const Nvfp4Matrix* up;  // null when plain
  double a_global;

  [[nodiscard]] Bounded product(const Sums& sums, std::size_t j, std::int64_t col, bool is_up) const {
    const Problem& problem = data.problem;
    const std::vector<float>& biases = is_up ? data.bias_up : data.bias;
    const double bias =
        problem.bias ? static_cast<double>(biases[static_cast<std::size_t>(index * problem.n + col)]) : 0.0;
    const double alpha = a_global * static_cast<double>(is_up ? up->global_scale : gate.global_scale);
    const RawSum raw{sums.sum[j], sums.squares[j], problem.k, problem.operand == OperandType::bf16};
    return bound_product(raw, alpha, bias, accumulator);
  }

  [[nodiscard]] Bounded element(const Sums& gate_sums, const Sums& up_sums, std::size_t j, std::int64_t col) const {
    const Bounded first = product(gate_sums, j, col, false);
    if (up == nullptr) return first;
    return bound_activation(data.problem.activation, first, product(up_sums, j, col, true));
  }
};

// The selected rows [first, last) of the result, all of this group; `a` holds those rows of A.
void compute_group(const Group& group, const std::vector<double>& a, std::size_t first, std::size_t last,
                   Result& result) {
  const std::vector<std::int64_t>& cols = result.selection.cols;
  const auto count = static_cast<std::int64_t>(cols.size());
  const std::int64_t k = group.data.problem.k;
  // Below some milliseconds of work, waking threads up on a busy machine costs more than they save.
  const bool parallel = static_cast<std::int64_t>(last - first) * count * k > (std::int64_t{1} << 22);
#pragma omp parallel for schedule(dynamic) if (parallel)
  for (std::int64_t start = 0; start < count; start += kColumns) {
    const std::int64_t width = std::min(kColumns, count - start);
    const std::vector<double> gate = read_panel(group.gate, &cols[static_cast<std::size_t>(start)], width);
    std::vector<double> up;
    if (group.up != nullptr) up = read_panel(*group.up, &cols[static_cast<std::size_t>(start)], width);
    for (std::size_t row = first; row < last; ++row) {
      const double* a_row = a.data() + static_cast<std::int64_t>(row - first) * k;
      const Sums gate_sums = multiply(a_row, gate, k);
      const Sums up_sums = group.up != nullptr ? multiply(a_row, up, k) : Sums{};
      for (std::int64_t j = 0; j < width; ++j) {
        const auto at = row * static_cast<std::size_t>(count) + static_cast<std::size_t>(start + j);
        const std::int64_t col = cols[static_cast<std::size_t>(start + j)];
        const Bounded bounded = group.element(gate_sums, up_sums, static_cast<std::size_t>(j), col);
        result.value[at] = bounded.value;
        result.error[at] = bounded.error;
        result.tolerance[at] = bound_output(result.output, bounded);
      }
    }
  }
}

}  // namespace

Result compute(const ProblemData& data, const WeightsOf& weights, const Selection* selection,
               const AccumulatorModel& accumulator) {
  const Problem& problem = data.problem;
  validate(problem);
  check_data(data);
  Result result;
  result.selection = selection != nullptr ? *selection : select_all(problem);
  result.output = problem.output;
  check_selection(problem, result.selection);
  const std::vector<std::int64_t>& rows = result.selection.rows;
  const std::size_t count = rows.size() * result.selection.cols.size();
  result.value.resize(count);
  result.error.resize(count);
  result.tolerance.resize(count);

  std::size_t last = 0;
  for (std::int64_t index = 0; index < problem.groups(); ++index) {
    const std::size_t first = last;
    const std::int64_t end = data.offsets[static_cast<std::size_t>(index) + 1];
    while (last < rows.size() && rows[last] < end)
      ++last;
    if (first == last) continue;
    std::vector<double> a((last - first) * static_cast<std::size_t>(problem.k));
    for (std::size_t row = first; row < last; ++row) {
      read_a_row(data, rows[row], a.data() + (row - first) * static_cast<std::size_t>(problem.k));
    }
    const bool nvfp4 = problem.operand == OperandType::nvfp4;
    const double a_global = nvfp4 ? static_cast<double>(data.a_global_scales[static_cast<std::size_t>(index)]) : 1.0;
    const Nvfp4Matrix gate = weights(index, 0);
    check_weights(problem, gate);
    Nvfp4Matrix up;
    if (problem.op == Op::gated) {
      up = weights(index, 1);
      check_weights(problem, up);
    }
    const Group group{data, accumulator, index, gate, problem.op == Op::gated ? &up : nullptr, a_global};
    compute_group(group, a, first, last, result);
  }
  return result;
}

Result compute(const ProblemData& data, const Selection* selection, const AccumulatorModel& accumulator) {
  check_count("gate", data.gate.size(), data.problem.groups());
  if (data.problem.op == Op::gated) check_count("up", data.up.size(), data.problem.groups());
  const WeightsOf stored = [&data](std::int64_t group, int which) {
    return which == 0 ? data.gate[static_cast<std::size_t>(group)] : data.up[static_cast<std::size_t>(group)];
  };
  return compute(data, stored, selection, accumulator);
}

}  // namespace thresher::reference
