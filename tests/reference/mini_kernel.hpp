// A plain fp32 kernel to try the reference and the tolerance on, and the ways to break it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/generate.hpp"
#include "format/half.hpp"
#include "format/pack.hpp"
#include "format/quantize.hpp"

namespace thresher::reference {

enum class Order { sequential, pairwise, blocked };

/// What a MiniKernel does wrong. All off: a correct kernel.
struct Faults {
  bool bf16_accumulator = false;       // partial sums are kept in bf16
  bool fp16_accumulator = false;       // ... in fp16
  bool bf16_activations = false;       // fp16 activations are rounded to bf16
  bool two_bit_activations = false;    // NVFP4 activations lose the last bit of e2m1
  bool flush_small_scales = false;     // weight scales below 2^-6 become 0, as some repackings do
  bool scale_to_power_of_two = false;  // the weights' block scales lose their mantissas
  bool gate_scale_for_up = false;      // one global scale for both matrices
  bool skip_last_row = false;          // the last row is not written
  bool drop_last_k = false;            // the last k is not read
  bool no_bias = false;
  bool ignore_nan = false;       // a NaN scale reads as 0
  bool truncate_output = false;  // rounds towards zero
};

/// The result of a run, in the problem's output type.
struct Output {
  std::vector<std::uint8_t> data;
  std::vector<std::uint8_t> scales;
  OutputView view;
};

class MiniKernel {
 public:
  explicit MiniKernel(const ProblemData& data, Order order = Order::sequential, const Faults& faults = {})
      : data_(data), problem_(data.problem), order_(order), faults_(faults) {}

  /// Outputs start as poison (NaN in every float type), so that what is not written shows.
  [[nodiscard]] Output run() const {
    Output out;
    const std::int64_t rows = problem_.total_m();
    const std::int64_t n = problem_.n;
    const std::int64_t bits = problem_.output == OutputType::nvfp4 ? 4 : problem_.output == OutputType::fp32 ? 32 : 16;
    out.data.assign(static_cast<std::size_t>(rows * n * bits / 8), 0xFF);
    out.scales.assign(static_cast<std::size_t>(rows * n / 16), 0xFF);
    out.view = {problem_.output, out.data.data(), out.scales.data(), data_.out_global_scale, rows, n};
    std::vector<float> c(static_cast<std::size_t>(n));
    for (std::int64_t group = 0; group < problem_.groups(); ++group) {
      const auto g = static_cast<std::size_t>(group);
      if (data_.offsets[g] == data_.offsets[g + 1]) continue;
      const std::vector<float> gate = weights(data_.gate[g]);
      const std::vector<float> up = problem_.op == Op::gated ? weights(data_.up[g]) : std::vector<float>{};
      for (std::int64_t row = data_.offsets[g]; row < data_.offsets[g + 1]; ++row) {
        if (faults_.skip_last_row && row + 1 == rows) continue;
        const std::vector<float> a = activations(row);
        for (std::int64_t col = 0; col < n; ++col)
          c[static_cast<std::size_t>(col)] = element(g, a, gate, up, col);
        store(c, row, out);
      }
    }
    return out;
  }

 private:
  [[nodiscard]] std::vector<float> weights(const Nvfp4Matrix& matrix) const {
    std::vector<float> values(static_cast<std::size_t>(matrix.rows * matrix.k));
    for (std::size_t i = 0; i < values.size(); ++i) {
      float scale = e4m3_to_float(matrix.scales[i / 16]);
      if (faults_.ignore_nan && std::isnan(scale)) scale = 0;
      if (faults_.flush_small_scales && std::fabs(scale) < 0x1p-6f) scale = 0;
      if (faults_.scale_to_power_of_two && scale > 0) scale = std::exp2(std::round(std::log2(scale)));
      values[i] = scale * e2m1_to_float(nibble_at(matrix.codes.data(), static_cast<std::int64_t>(i)));
    }
    return values;
  }

  [[nodiscard]] std::vector<float> activations(std::int64_t row) const {
    const std::int64_t k = problem_.k;
    std::vector<float> values(static_cast<std::size_t>(k));
    for (std::int64_t i = 0; i < k; ++i) {
      float& value = values[static_cast<std::size_t>(i)];
      const auto at = static_cast<std::size_t>(row * k + i);
      if (problem_.operand == OperandType::nvfp4) {
        std::uint8_t code = nibble_at(data_.a_nvfp4.codes.data(), row * k + i);
        if (faults_.two_bit_activations) code &= 0xE;
        value = e2m1_to_float(code) * e4m3_to_float(data_.a_nvfp4.scales[at / 16]);
      } else {
        value =
            problem_.operand == OperandType::fp16 ? fp16_to_float(data_.a_half[at]) : bf16_to_float(data_.a_half[at]);
      }
      if (faults_.bf16_activations) value = bf16_to_float(bf16_from_float(value));
    }
    if (faults_.drop_last_k) values.back() = 0;
    return values;
  }

  [[nodiscard]] float narrow(float sum) const {
    if (faults_.bf16_accumulator) return bf16_to_float(bf16_from_float(sum));
    if (faults_.fp16_accumulator) return fp16_to_float(fp16_from_float(sum * 0x1p-12f)) * 0x1p12f;
    return sum;
  }

  [[nodiscard]] float dot(const float* a, const float* b, std::int64_t count) const {
    if (order_ == Order::pairwise && count > 8) {
      return narrow(dot(a, b, count / 2) + dot(a + count / 2, b + count / 2, count - count / 2));
    }
    if (order_ == Order::blocked && count > 64) {
      float sum = 0;
      for (std::int64_t i = 0; i < count; i += 64)
        sum = narrow(sum + dot(a + i, b + i, std::min<std::int64_t>(64, count - i)));
      return sum;
    }
    float sum = 0;
    for (std::int64_t i = 0; i < count; ++i)
      sum = narrow(sum + a[i] * b[i]);
    return sum;
  }

  static float sigmoid(float z) {
    const float e = std::exp(-std::fabs(z));
    return (z < 0 ? e : 1.0f) / (1.0f + e);
  }

  [[nodiscard]] float activate(float gate, float up) const {
    const Activation& activation = problem_.activation;
    switch (activation.kind) {
      case ActivationKind::silu:
        return gate * sigmoid(gate) * up;
      case ActivationKind::swiglu_oai: {
        const float limit = activation.limit;
        const float g = gate > limit ? limit : gate;
        const float u = up > limit ? limit : up < -limit ? -limit : up;
        return (u + activation.beta) * (g * sigmoid(activation.alpha * g));
      }
      case ActivationKind::gelu_tanh:
        return gate * sigmoid(1.59576912f * (gate + 0.044715f * (gate * gate * gate))) * up;
      case ActivationKind::relu2:
        break;
    }
    const float g = gate < 0 ? 0 : gate;
    return g * g * up;
  }

  [[nodiscard]] float product(std::size_t g, const std::vector<float>& a, const std::vector<float>& b, bool is_up,
                              std::int64_t col) const {
    const bool gate_scale = !is_up || faults_.gate_scale_for_up;
    float alpha = gate_scale ? data_.gate[g].global_scale : data_.up[g].global_scale;
    if (problem_.operand == OperandType::nvfp4) alpha *= data_.a_global_scales[g];
    const float value = dot(a.data(), b.data() + col * problem_.k, problem_.k) * alpha;
    if (!problem_.bias || faults_.no_bias) return value;
    return value + (is_up ? data_.bias_up
                          : data_.bias)[g * static_cast<std::size_t>(problem_.n) + static_cast<std::size_t>(col)];
  }

  [[nodiscard]] float element(std::size_t g, const std::vector<float>& a, const std::vector<float>& gate,
                              const std::vector<float>& up, std::int64_t col) const {
    const float first = product(g, a, gate, false, col);
    return problem_.op == Op::plain ? first : activate(first, product(g, a, up, true, col));
  }

  [[nodiscard]] std::uint16_t to_half(float value) const {
    const bool fp16 = problem_.output == OutputType::fp16;
    const std::uint16_t half = fp16 ? fp16_from_float(value) : bf16_from_float(value);
    if (!faults_.truncate_output) return half;
    const float back = fp16 ? fp16_to_float(half) : bf16_to_float(half);
    return std::fabs(back) > std::fabs(value) ? static_cast<std::uint16_t>(half - 1) : half;
  }

  void store(const std::vector<float>& c, std::int64_t row, Output& out) const {
    const auto n = static_cast<std::size_t>(problem_.n);
    const std::size_t first = static_cast<std::size_t>(row) * n;
    if (problem_.output == OutputType::fp32) std::memcpy(&out.data[4 * first], c.data(), 4 * n);
    if (problem_.output == OutputType::nvfp4) {
      for (std::size_t i = 0; i < n; i += 16) {
        quantize_block16(&c[i], data_.out_global_scale, &out.data[(first + i) / 2], &out.scales[(first + i) / 16]);
      }
    }
    if (problem_.output == OutputType::fp16 || problem_.output == OutputType::bf16) {
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint16_t half = to_half(c[i]);
        std::memcpy(&out.data[2 * (first + i)], &half, 2);
      }
    }
  }

  const ProblemData& data_;
  const Problem& problem_;
  Order order_;
  Faults faults_;
};

}  // namespace thresher::reference
