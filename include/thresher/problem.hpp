// What is to be computed: op, shape, operand types, activation. No memory, no device.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace thresher {

/// `plain`: C = A * B^T + bias.  `gated`: C = act(A * B1^T + b1, A * B2^T + b2).
enum class Op : int { plain = 0, gated = 1 };

/// Type of the activations A. NVFP4 is W4A4; fp16 and bf16 are W4A16.
enum class OperandType : int { nvfp4 = 0, fp16 = 1, bf16 = 2 };

/// Type of the result C. `nvfp4` is requantised in the epilogue with a given global scale.
enum class OutputType : int { fp16 = 0, bf16 = 1, fp32 = 2, nvfp4 = 3 };

/// How `gated` joins the two products g (gate) and u (up).
enum class ActivationKind : int {
  silu = 0,        ///< g * sigmoid(g) * u
  swiglu_oai = 1,  ///< g' = min(g, limit), u' = clamp(u, +-limit): (u' + beta) * g' * sigmoid(alpha * g')
  gelu_tanh = 2,   ///< 0.5 * g * (1 + tanh(sqrt(2/pi) * (g + 0.044715 g^3))) * u
  relu2 = 3,       ///< max(g, 0)^2 * u
};

/// The activation and the parameters of `swiglu_oai` (ignored by the others).
struct Activation {
  ActivationKind kind = ActivationKind::silu;
  float alpha = 1.702f;
  float beta = 1.0f;
  float limit = 7.0f;
};

/// Elements along k that share one E4M3 scale.
inline constexpr std::int64_t kScaleBlock = 16;

/// A grouped problem: group i multiplies A_i [m[i], k] by its own weights [n, k] (two of them when gated).
struct Problem {
  Op op = Op::gated;
  std::vector<std::int64_t> m;  // rows per group, each >= 0
  std::int64_t n = 0;           // columns of C, >= 1
  std::int64_t k = 0;           // multiple of 16, >= 16
  OperandType operand = OperandType::nvfp4;
  OutputType output = OutputType::fp16;
  Activation activation = {};
  bool bias = false;

  [[nodiscard]] std::int64_t groups() const noexcept { return static_cast<std::int64_t>(m.size()); }
  [[nodiscard]] std::int64_t total_m() const noexcept;
};

/// Throws Error(invalid_argument) naming the first field that no device could accept.
void validate(const Problem& problem);

const char* to_string(Op op) noexcept;
const char* to_string(OperandType type) noexcept;
const char* to_string(OutputType type) noexcept;
const char* to_string(ActivationKind kind) noexcept;
std::optional<Op> parse_op(std::string_view text) noexcept;
std::optional<OperandType> parse_operand_type(std::string_view text) noexcept;
std::optional<OutputType> parse_output_type(std::string_view text) noexcept;
std::optional<ActivationKind> parse_activation_kind(std::string_view text) noexcept;

}  // namespace thresher
