// The four activations, as the design writes them.
#include "reference/activation.hpp"

namespace thresher::reference {

// NOTE: clamps are comparisons, not std::min: a comparison with NaN is false and keeps the NaN.
double activate(const Activation& activation, double gate, double up) {
  switch (activation.kind) {
    case ActivationKind::silu:
      return gate * sigmoid(gate) * up;
    case ActivationKind::swiglu_oai: {
      const double limit = static_cast<double>(activation.limit);
      const double g = gate > limit ? limit : gate;
      const double below = up > limit ? limit : up;
      const double u = below < -limit ? -limit : below;
      return (u + static_cast<double>(activation.beta)) * g * sigmoid(static_cast<double>(activation.alpha) * g);
    }
    case ActivationKind::gelu_tanh:
      return gate * sigmoid(gelu_exponent(gate)) * up;
    case ActivationKind::relu2:
      break;
  }
  const double positive = gate < 0 ? 0.0 : gate;
  return positive * positive * up;
}

}  // namespace thresher::reference
