// The activations in double, in the sigmoid form: 0.5 * (1 + tanh(y)) cancels for y < 0, sigmoid(2 y) does not.
#pragma once

#include <cmath>

#include "thresher/problem.hpp"

namespace thresher::reference {

inline double sigmoid(double z) {
  return 1.0 / (1.0 + std::exp(-z));
}

/// z such that 0.5 * g * (1 + tanh(sqrt(2/pi) * (g + 0.044715 g^3))) = g * sigmoid(z).
inline double gelu_exponent(double g) {
  constexpr double kTwoRootTwoOverPi = 1.5957691216057308;
  return kTwoRootTwoOverPi * (g + 0.044715 * g * g * g);
}

inline double gelu_exponent_derivative(double g) {
  constexpr double kTwoRootTwoOverPi = 1.5957691216057308;
  return kTwoRootTwoOverPi * (1 + 3 * 0.044715 * g * g);
}

/// The activation of `gated`; a NaN in either argument gives NaN, also where a clamp would hide it.
double activate(const Activation& activation, double gate, double up);

}  // namespace thresher::reference
