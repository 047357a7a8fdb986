// Does an output agree with the reference?
#include "reference/compare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/half.hpp"
#include "format/pack.hpp"
#include "format/quantize.hpp"
#include "thresher/error.hpp"

namespace thresher::reference {
namespace {

// Evaluating amax / 6 / s_g, or x / (s_b * s_g), takes at most two fp32 roundings; a reciprocal adds two more.
constexpr double kQuantiserSlack = 4 * 0x1p-24;

float read_half_or_float(const OutputView& out, std::int64_t row, std::int64_t col) {
  const std::int64_t at = row * out.n + col;
  switch (out.type) {
    case OutputType::fp16:
      return fp16_to_float(static_cast<const std::uint16_t*>(out.data)[at]);
    case OutputType::bf16:
      return bf16_to_float(static_cast<const std::uint16_t*>(out.data)[at]);
    case OutputType::fp32:
    case OutputType::nvfp4:
      break;
  }
  return static_cast<const float*>(out.data)[at];
}

// What every element adds to a Comparison.
class Tally {
 public:
  explicit Tally(const ProblemData& data) : data_(data) {}

  void count(std::int64_t elements) { comparison_.checked += elements; }

  // A pair of finite numbers whose distance is worth reporting.
  void measure(double got, double want, double ratio) {
    largest_error_ = std::max(largest_error_, std::fabs(got - want));
    largest_want_ = std::max(largest_want_, std::fabs(want));
    comparison_.worst_ratio = std::max(comparison_.worst_ratio, ratio);
  }

  void fail(std::int64_t row, std::int64_t col, const char* what, double got, double want, double tolerance,
            std::int64_t elements = 1) {
    if (comparison_.failures == 0) {
      std::array<char, 256> text{};
      std::snprintf(text.data(), text.size(), "group %lld, row %lld, col %lld: %sgot %.9g, want %.9g, tolerance %.3g",
                    static_cast<long long>(group_of(row)), static_cast<long long>(row), static_cast<long long>(col),
                    what, got, want, tolerance);
      comparison_.first_failure = text.data();
    }
    comparison_.failures += elements;
  }

  [[nodiscard]] Comparison finish() {
    if (largest_error_ > 0) comparison_.max_rel_err = largest_error_ / largest_want_;
    return comparison_;
  }

 private:
  [[nodiscard]] std::int64_t group_of(std::int64_t row) const {
    const auto end = std::upper_bound(data_.offsets.begin(), data_.offsets.end(), row);
    return end - data_.offsets.begin() - 1;
  }

  const ProblemData& data_;
  Comparison comparison_;
  double largest_error_ = 0;
  double largest_want_ = 0;
};

void check_output(const Problem& problem, const OutputView& out, const Result& result) {
  const auto refuse = [](const std::string& message) { throw Error(ErrorCode::invalid_argument, message); };
  if (out.type != problem.output) {
    refuse(std::string("the output is ") + to_string(out.type) + ", the problem's is " + to_string(problem.output));
  }
  if (out.rows != problem.total_m() || out.n != problem.n) {
    refuse("the output is " + std::to_string(out.rows) + " x " + std::to_string(out.n) + ", the problem's is " +
           std::to_string(problem.total_m()) + " x " + std::to_string(problem.n));
  }
  const bool needs_scales = out.type == OutputType::nvfp4;
  if (result.count() > 0 && (out.data == nullptr || (needs_scales && out.scales == nullptr))) {
    refuse("the output's data or scales are null: give the memory that the kernel wrote");
  }
  if (needs_scales && !(std::isfinite(out.global_scale) && out.global_scale > 0)) {
    refuse("the output's global scale " + std::to_string(out.global_scale) + " must be finite and > 0");
  }
}

void compare_element(const Result& result, std::size_t at, float got_float, std::int64_t row, std::int64_t col,
                     Tally& tally) {
  const double got = static_cast<double>(got_float);
  const double want = result.value[at];
  const double error = result.error[at];
  const double tolerance = result.tolerance[at];
  if (std::isnan(want)) {
    if (!std::isnan(got)) tally.fail(row, col, "", got, want, tolerance);
    return;
  }
  if (std::isinf(error)) return;  // partial sums may overflow fp32: nothing is certain
  const double threshold = overflow_threshold(result.output);
  bool good = false;
  if (std::isinf(got)) {
    good = std::signbit(got) == std::signbit(want) && std::fabs(want) + error >= threshold;
  } else {
    good = std::fabs(got - want) <= tolerance && std::fabs(want) - error < threshold;
    if (std::isfinite(got) && std::isfinite(want)) tally.measure(got, want, std::fabs(got - want) / tolerance);
  }
  if (!good) tally.fail(row, col, "", got, want, tolerance);
}

// A block's 8 bytes of codes and its scale in the kernel's output.
struct OutputBlock {
  const std::uint8_t* codes;
  std::uint8_t scale;
};

OutputBlock block_at(const OutputView& out, std::int64_t row, std::int64_t col) {
  const std::int64_t element = row * out.n + col;
  return {static_cast<const std::uint8_t*>(out.data) + element / 2, out.scales[element / kScaleBlock]};
}

std::uint8_t scale_for(double amax, double slack, float global_scale) {
  return e4m3_from_float(static_cast<float>(amax / 6.0 / static_cast<double>(global_scale) * slack));
}

// The value of the code that `x` quantises to, after moving it by the slack in the given direction.
float code_value(double x, double step, double direction) {
  const double quotient = x / step;
  return e2m1_to_float(
      e2m1_from_float(static_cast<float>(quotient + direction * kQuantiserSlack * std::fabs(quotient))));
}

void compare_block(const Result& result, std::size_t at, const OutputView& out, std::int64_t row, std::int64_t col,
                   Tally& tally) {
  const OutputBlock block = block_at(out, row, col);
  double low = 0;
  double high = 0;
  bool nan = false;
  bool certain = true;
  for (std::size_t i = at; i < at + 16; ++i) {
    const double magnitude = std::fabs(result.value[i]);
    nan = nan || std::isnan(magnitude);
    certain = certain && std::isfinite(result.error[i]);
    low = std::max(low, magnitude - result.error[i]);
    high = std::max(high, magnitude + result.error[i]);
  }
  if (nan) {
    if (block.scale != kE4m3Nan)
      tally.fail(row, col, "scale byte of a block with a NaN: ", block.scale, kE4m3Nan, 0, 16);
    return;
  }
  if (!certain) return;
  const std::uint8_t lowest = scale_for(low, 1 - kQuantiserSlack, out.global_scale);
  const std::uint8_t highest = scale_for(high, 1 + kQuantiserSlack, out.global_scale);
  if (block.scale < lowest || block.scale > highest) {
    tally.fail(row, col, "scale byte: ", block.scale, lowest, highest - lowest, 16);
    return;
  }
  const float step_float = e4m3_to_float(block.scale) * out.global_scale;
  const auto step = static_cast<double>(step_float);
  for (std::size_t i = 0; i < 16; ++i) {
    const double want = result.value[at + i];
    const double error = result.error[at + i];
    const float got = e2m1_to_float(nibble_at(block.codes, static_cast<std::int64_t>(i)));
    const bool zero = step == 0;
    const float least = zero ? 0.0f : code_value(want - error, step, -1);
    const float most = zero ? 0.0f : code_value(want + error, step, 1);
    const bool good = got >= least && got <= most;
    const double got_value = static_cast<double>(got) * step;
    if (std::isfinite(want)) tally.measure(got_value, want, good ? 0.0 : 1.0);
    if (!good) tally.fail(row, col + static_cast<std::int64_t>(i), "", got_value, want, error);
  }
}

// Exact as fp32, or the inputs were not small integers.
float exact(double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) {
    throw Error(ErrorCode::invalid_argument, "the reference value " + std::to_string(value) +
                                                 " is not exact in fp32: compare bitwise only Recipe::integers");
  }
  return narrow;
}

float rounded_to(OutputType type, float value) {
  if (type == OutputType::fp16) return fp16_to_float(fp16_from_float(value));
  if (type == OutputType::bf16) return bf16_to_float(bf16_from_float(value));
  return value;
}

void compare_exact_block(const Result& result, std::size_t at, const OutputView& out, std::int64_t row,
                         std::int64_t col, Tally& tally) {
  std::array<float, 16> values{};
  for (std::size_t i = 0; i < 16; ++i)
    values[i] = exact(result.value[at + i]);
  std::array<std::uint8_t, 8> codes{};
  std::uint8_t scale = 0;
  quantize_block16(values.data(), out.global_scale, codes.data(), &scale);
  const OutputBlock block = block_at(out, row, col);
  if (block.scale != scale) {
    tally.fail(row, col, "scale byte: ", block.scale, scale, 0, 16);
    return;
  }
  for (std::int64_t i = 0; i < 16; ++i) {
    const float got = e2m1_to_float(nibble_at(block.codes, i));
    const float want = e2m1_to_float(nibble_at(codes.data(), i));
    if (got != want) {
      tally.fail(row, col + i, "code value: ", static_cast<double>(got), static_cast<double>(want), 0);
    }
  }
}

}  // namespace

Comparison compare(const Result& result, const ProblemData& data, const OutputView& out) {
  check_output(data.problem, out, result);
  Tally tally(data);
  tally.count(result.count());
  const std::vector<std::int64_t>& cols = result.selection.cols;
  const std::size_t step = out.type == OutputType::nvfp4 ? 16 : 1;
  std::size_t at = 0;
  for (const std::int64_t row : result.selection.rows) {
    for (std::size_t j = 0; j < cols.size(); j += step, at += step) {
      if (step == 16) {
        compare_block(result, at, out, row, cols[j], tally);
      } else {
        compare_element(result, at, read_half_or_float(out, row, cols[j]), row, cols[j], tally);
      }
    }
  }
  return tally.finish();
}

Comparison compare_bitwise_integers(const Result& result, const ProblemData& data, const OutputView& out) {
  check_output(data.problem, out, result);
  if (data.problem.op != Op::plain) {
    throw Error(ErrorCode::invalid_argument, "op gated rounds in its activation: compare it with compare()");
  }
  Tally tally(data);
  tally.count(result.count());
  const std::vector<std::int64_t>& cols = result.selection.cols;
  const std::size_t step = out.type == OutputType::nvfp4 ? 16 : 1;
  std::size_t at = 0;
  for (const std::int64_t row : result.selection.rows) {
    for (std::size_t j = 0; j < cols.size(); j += step, at += step) {
      if (step == 16) {
        compare_exact_block(result, at, out, row, cols[j], tally);
        continue;
      }
      const float got = read_half_or_float(out, row, cols[j]);
      const float want = rounded_to(out.type, exact(result.value[at]));
      if (!(got == want)) tally.fail(row, cols[j], "", static_cast<double>(got), static_cast<double>(want), 0);
    }
  }
  return tally.finish();
}

}  // namespace thresher::reference
