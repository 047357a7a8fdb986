// The bounds that tolerance.hpp derives.
#include "reference/tolerance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/activation.hpp"

namespace thresher::reference {
namespace {

constexpr double kUnit = 0x1p-24;       // roundoff of fp32
constexpr double kSmallest = 0x1p-126;  // the smallest normal of fp32 and bf16: what flushing can lose
constexpr double kLambda = 6.0;
constexpr double kWander = 3.0;  // partial sums stay within this many times q of the straight line
constexpr double kLargestProduct = 6.0 * 448.0;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFloatMax = static_cast<double>(std::numeric_limits<float>::max());

bool may_overflow(const Bounded& x) {
  return std::fabs(x.value) + x.error >= kFloatMax;
}

// min(x, limit), then max(x, -limit) when `both`. Safely beyond a clamp no error is left.
Bounded clamp(const Bounded& x, double limit, bool both) {
  if (x.value - x.error >= limit) return {limit, 0};
  if (both && x.value + x.error <= -limit) return {-limit, 0};
  double value = x.value > limit ? limit : x.value;
  if (both && value < -limit) value = -limit;
  return {value, x.error};
}

// How one factor f(g) of an activation depends on its argument and on its evaluation in fp32.
struct Slope {
  double value = 0;       // f(g)
  double derivative = 0;  // f'(g)
  double curvature = 0;   // >= max |f''|
  double relative = 0;    // error of evaluating f in fp32, relative to f
};

Slope sigmoid_times(double g, double z, double z_derivative, double z_roundings, double curvature) {
  const double s = sigmoid(z);
  Slope slope;
  slope.value = g * s;
  slope.derivative = s + g * s * (1 - s) * z_derivative;
  slope.curvature = curvature;
  // 8 for exp, addition and division, 1 for the product; the exponent's own roundings weigh |z| (1 - sigmoid).
  slope.relative = kUnit * (9 + z_roundings * std::fabs(z) * (1 - s));
  return slope;
}

Slope slope_of(const Activation& activation, double g) {
  switch (activation.kind) {
    case ActivationKind::silu:
      return sigmoid_times(g, g, 1.0, 2.0, 0.5);  // |silu''| <= silu''(0) = 1/2
    case ActivationKind::swiglu_oai: {
      const double alpha = static_cast<double>(activation.alpha);
      return sigmoid_times(g, alpha * g, alpha, 2.0, 0.5 * std::fabs(alpha));
    }
    case ActivationKind::gelu_tanh:
      // The argument takes six roundings; |gelu_tanh''| is largest at 0, where it is 0.798.
      return sigmoid_times(g, gelu_exponent(g), gelu_exponent_derivative(g), 6.0, 1.0);
    case ActivationKind::relu2:
      break;
  }
  const double positive = g < 0 ? 0.0 : g;
  return {.value = positive * positive, .derivative = 2 * positive, .curvature = 2.0, .relative = kUnit};
}

// Half a unit in the last place at magnitude `reach` of a format with `precision` significant bits.
double half_ulp(double reach, int precision, int smallest_exponent) {
  const int exponent = reach > 0 ? std::max(std::ilogb(reach), smallest_exponent) : smallest_exponent;
  return std::ldexp(1.0, exponent - precision);
}

}  // namespace

Bounded bound_product(const RawSum& raw, double alpha, double bias, const AccumulatorModel& accumulator) {
  const double per_rounding = static_cast<double>(std::max<std::int64_t>(accumulator.terms_per_rounding, 1));
  const double terms = static_cast<double>(raw.terms);
  const double roundings = std::ceil(terms / per_rounding);
  const double q = std::sqrt(raw.sum_squares);
  const double reach = std::fabs(raw.sum) + kWander * q;
  const double growth = accumulator.truncates ? roundings : std::min(kLambda * std::sqrt(roundings), roundings);
  double sum_error = accumulator.eps * std::min(growth * reach, roundings * std::sqrt(terms) * q);
  if (raw.bf16_input) sum_error += terms * kSmallest * kLargestProduct;

  const double product = alpha * raw.sum;
  Bounded result;
  result.value = product + bias;
  const double moved = std::fabs(alpha) * sum_error;
  result.error = moved + 2 * kUnit * (std::fabs(product) + moved) + kSmallest * (1 + std::fabs(raw.sum));
  // Adding no bias is exact.
  if (bias != 0) result.error += kUnit * (std::fabs(result.value) + result.error);
  if (reach >= kFloatMax) result.error = kInfinity;
  return result;
}

Bounded bound_activation(const Activation& activation, const Bounded& gate, const Bounded& up) {
  Bounded result;
  result.value = activate(activation, gate.value, up.value);
  if (may_overflow(gate) || may_overflow(up)) {
    result.error = kInfinity;
    return result;
  }
  Bounded g = gate;
  Bounded h = up;
  if (activation.kind == ActivationKind::swiglu_oai) {
    const double limit = static_cast<double>(activation.limit);
    g = clamp(gate, limit, false);
    h = clamp(up, limit, true);
    h.value += static_cast<double>(activation.beta);
    h.error += kUnit * (std::fabs(h.value) + h.error);
  }
  const Slope f = slope_of(activation, g.value);
  const double moved = std::fabs(f.derivative) * g.error + f.curvature * g.error * g.error / 2;
  const double f_error = moved + f.relative * (std::fabs(f.value) + moved) + 2 * kSmallest * (1 + std::fabs(g.value));
  const double error = std::fabs(f.value) * h.error + std::fabs(h.value) * f_error + f_error * h.error;
  result.error = error + kUnit * (std::fabs(result.value) + error) + kSmallest;
  return result;
}

double bound_output(OutputType type, const Bounded& result) {
  const double reach = std::fabs(result.value) + result.error;
  if (!std::isfinite(reach)) return result.error;
  switch (type) {
    case OutputType::fp16:
      return result.error + half_ulp(reach, 11, -14);
    case OutputType::bf16:
      return result.error + half_ulp(reach, 8, -126) + kSmallest;
    case OutputType::fp32:  // the last operation was fp32 and is counted already
    case OutputType::nvfp4:
      break;
  }
  return result.error;
}

double overflow_threshold(OutputType type) {
  switch (type) {
    case OutputType::fp16:
      return 65520.0;
    case OutputType::bf16:
      return 0x1p128 * (1 - 0x1p-9);
    case OutputType::fp32:
      return 0x1p128 * (1 - 0x1p-25);
    case OutputType::nvfp4:
      break;
  }
  return kInfinity;
}

}  // namespace thresher::reference
