// The checks of a call's arguments: shapes, types, pointers, alignment, finite parameters.
//
// NOTE: a call allocates nothing, so no string is built before the decision to refuse is made.
#include "engine/validate_call.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "cpu/packed_storage.hpp"
#include "engine/message.hpp"
#include "thresher/error.hpp"

namespace thresher::engine {
namespace {

bool misaligned(const void* pointer, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment != 0;
}

void check_aligned(const char* name, const void* pointer, std::size_t alignment) {
  if (misaligned(pointer, alignment)) {
    refuse(std::string(name) + " is at " + address(pointer) + "; align it to " + std::to_string(alignment) + " bytes");
  }
}

void check_pointer(const char* name, const void* pointer, const char* what) {
  if (pointer == nullptr) refuse(std::string(name) + " is null; give " + what);
}

void check_op(Op op, const WeightsShape& shape) {
  if (op == shape.op) return;
  if (op == Op::plain) {
    refuse("grouped_gemm() was called with gated weights; call grouped_gated_gemm(), or pack the weights as plain");
  }
  refuse("grouped_gated_gemm() was called with plain weights; call grouped_gemm(), or pack a gate and an up matrix");
}

void check_packed(const PackedWeights::Storage& storage) {
  for (std::int64_t group = 0; group < storage.shape.groups; ++group) {
    if (storage.packed[static_cast<std::size_t>(group)] == 0) {
      refuse("group " + std::to_string(group) + " of " + std::to_string(storage.shape.groups) +
             " is not packed; call pack() for it before the first call");
    }
  }
}

void check_offsets(std::span<const std::int32_t> offsets, std::int64_t groups, std::int64_t rows) {
  if (std::cmp_not_equal(offsets.size(), groups + 1)) {
    refuse("offsets has " + std::to_string(offsets.size()) + " entries but the weights have " + std::to_string(groups) +
           " groups; give groups + 1 = " + std::to_string(groups + 1));
  }
  check_pointer("offsets", offsets.data(), "[groups + 1] row numbers");
  check_aligned("offsets", offsets.data(), alignof(std::int32_t));
  if (offsets.front() != 0) refuse("offsets[0] is " + std::to_string(offsets.front()) + "; it must be 0");
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] < offsets[i - 1]) {
      refuse("offsets[" + std::to_string(i) + "] is " + std::to_string(offsets[i]) + " but offsets[" +
             std::to_string(i - 1) + "] is " + std::to_string(offsets[i - 1]) +
             "; offsets must not descend (equal means an empty group)");
    }
  }
  if (offsets.back() != rows) {
    refuse("the last offset is " + std::to_string(offsets.back()) + " but a.rows is " + std::to_string(rows) +
           "; they must be equal");
  }
}

void check_global_scales(std::span<const float> scales, std::int64_t groups) {
  if (scales.size() != 1 && std::cmp_not_equal(scales.size(), groups)) {
    refuse("a.global_scales has " + std::to_string(scales.size()) + " entries; give 1, or one for each of the " +
           std::to_string(groups) + " groups");
  }
  check_pointer("a.global_scales", scales.data(), "1 or [groups] floats");
  check_aligned("a.global_scales", scales.data(), alignof(float));
  for (std::size_t i = 0; i < scales.size(); ++i) {
    if (!std::isfinite(scales[i])) {
      refuse("a.global_scales[" + std::to_string(i) + "] is " + number(scales[i]) + "; give a finite multiplier");
    }
  }
}

// Kernels multiply a sum by the product of both scales. Were that infinite, finite inputs would give inf and NaN.
// NOTE: a product too small for a normal float is accepted and loses bits, at worst all: what a dead expert gets. The
// tolerance (reference/tolerance.hpp, "underflow") has a term for it.
void check_scale_products(const OperandView& a, std::span<const std::int32_t> offsets,
                          const PackedWeights::Storage& storage) {
  if (a.type != OperandType::nvfp4) return;
  for (std::size_t group = 0; group + 1 < offsets.size(); ++group) {
    if (offsets[group] == offsets[group + 1]) continue;
    const std::size_t index = a.global_scales.size() == 1 ? 0 : group;
    for (const std::size_t matrix : {std::size_t{0}, std::size_t{1}}) {
      const float weight_scale = storage.global_scales[2 * group + matrix];
      if (std::isfinite(a.global_scales[index] * weight_scale)) continue;
      refuse("a.global_scales[" + std::to_string(index) + "] = " + number(a.global_scales[index]) +
             " times the global scale " + number(weight_scale) + " of the " + (matrix == 0 ? "" : "up ") +
             "weights of group " + std::to_string(group) + " is no finite float; scale one of them down");
    }
  }
}

void check_operand(const OperandView& a, const WeightsShape& shape) {
  if (a.type != OperandType::nvfp4 && a.type != OperandType::fp16 && a.type != OperandType::bf16) {
    refuse("a.type is " + std::to_string(static_cast<int>(a.type)) + "; give 0 (nvfp4), 1 (fp16) or 2 (bf16)");
  }
  if (a.k != shape.k) {
    refuse("a.k is " + std::to_string(a.k) + " but k of the weights is " + std::to_string(shape.k) +
           "; they must be equal");
  }
  if (a.rows < 0 || a.rows > std::numeric_limits<std::int32_t>::max()) {
    refuse("a.rows is " + std::to_string(a.rows) + "; give 0 to 2147483647, splitting larger calls");
  }
  check_size("a", a.rows, a.k, 2);
  if (a.type == OperandType::nvfp4) check_global_scales(a.global_scales, shape.groups);
  if (a.rows == 0) return;
  check_pointer("a.data", a.data, "[rows, k/2] bytes of codes (nvfp4) or [rows, k] elements (fp16, bf16)");
  if (a.type == OperandType::nvfp4) {
    check_pointer("a.scales", a.scales, "E4M3 [rows, k/16] row-major");
  } else {
    check_aligned("a.data", a.data, sizeof(std::uint16_t));
  }
}

std::size_t element_bytes(OutputType type) {
  switch (type) {
    case OutputType::fp16:
    case OutputType::bf16:
      return 2;
    case OutputType::fp32:
      return 4;
    case OutputType::nvfp4:
      return 1;
  }
  refuse("out.type is " + std::to_string(static_cast<int>(type)) + "; give 0 (fp16), 1 (bf16), 2 (fp32) or 3 (nvfp4)");
}

void check_nvfp4_output(const OutputView& out) {
  if (out.n % kScaleBlock != 0) {
    refuse("out.n is " + std::to_string(out.n) +
           ", which is not a multiple of 16 as nvfp4 output needs; ask for fp16, bf16 or fp32, or pad the weights");
  }
  if (!std::isfinite(out.global_scale) || out.global_scale <= 0.0f) {
    refuse("out.global_scale is " + number(out.global_scale) +
           "; give a finite value above 0, such as the largest expected |C| / (6 * 448)");
  }
  if (out.rows > 0) check_pointer("out.scales", out.scales, "E4M3 [rows, n/16] row-major to write to");
}

void check_output(const OutputView& out, const OperandView& a, const WeightsShape& shape) {
  const std::size_t bytes = element_bytes(out.type);
  if (out.rows != a.rows) {
    refuse("out.rows is " + std::to_string(out.rows) + " but a.rows is " + std::to_string(a.rows) +
           "; they must be equal");
  }
  if (out.n != shape.n) {
    refuse("out.n is " + std::to_string(out.n) + " but n of the weights is " + std::to_string(shape.n) +
           "; they must be equal");
  }
  check_size("out", out.rows, out.n, static_cast<std::int64_t>(bytes));
  if (out.type == OutputType::nvfp4) check_nvfp4_output(out);
  if (out.rows == 0) return;
  check_pointer("out.data", out.data, "[rows, n] elements (nvfp4: [rows, n/2] bytes) to write to");
  check_aligned("out.data", out.data, bytes);
}

void check_bias(const char* name, std::span<const float> bias, const WeightsShape& shape) {
  if (bias.empty()) return;
  std::int64_t expected = 0;
  if (__builtin_mul_overflow(shape.groups, shape.n, &expected) || std::cmp_not_equal(bias.size(), expected)) {
    refuse(std::string(name) + " has " + std::to_string(bias.size()) +
           " entries; give none, or groups * n = " + std::to_string(shape.groups) + " * " + std::to_string(shape.n));
  }
  check_pointer(name, bias.data(), "[groups, n] floats, or an empty span");
  check_aligned(name, bias.data(), alignof(float));
}

void check_activation(const Activation& activation) {
  const int kind = static_cast<int>(activation.kind);
  if (kind < static_cast<int>(ActivationKind::silu) || kind > static_cast<int>(ActivationKind::relu2)) {
    refuse("activation.kind is " + std::to_string(kind) +
           "; give 0 (silu), 1 (swiglu_oai), 2 (gelu_tanh) or 3 (relu2)");
  }
  // The other activations have no parameters, and what is not read can't be wrong.
  if (activation.kind != ActivationKind::swiglu_oai) return;
  if (!std::isfinite(activation.alpha))
    refuse("activation.alpha is " + number(activation.alpha) + "; give a finite value");
  if (!std::isfinite(activation.beta))
    refuse("activation.beta is " + number(activation.beta) + "; give a finite value");
  if (!std::isfinite(activation.limit) || activation.limit <= 0.0f) {
    refuse("activation.limit is " + number(activation.limit) +
           "; give a finite value above 0 (the largest float for no limit)");
  }
}

}  // namespace

void check_size(const char* name, std::int64_t rows, std::int64_t columns, std::int64_t element_bytes) {
  std::int64_t elements = 0;
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(rows, columns, &elements) || __builtin_mul_overflow(elements, element_bytes, &bytes)) {
    throw Error(ErrorCode::out_of_memory, std::string(name) + " has " + std::to_string(rows) + " x " +
                                              std::to_string(columns) +
                                              " elements, more than an address can reach; split the call");
  }
}

void validate_call(Op op, const PackedWeights& weights, const GroupedGemmArgs& args) {
  const PackedWeights::Storage& storage = weights.storage();
  const WeightsShape& shape = storage.shape;
  check_op(op, shape);
  check_packed(storage);
  check_operand(args.a, shape);
  check_offsets(args.offsets, shape.groups, args.a.rows);
  check_scale_products(args.a, args.offsets, storage);
  check_output(args.out, args.a, shape);
  check_bias("bias", args.bias, shape);
  if (op == Op::plain && !args.bias_up.empty()) {
    refuse("bias_up has " + std::to_string(args.bias_up.size()) +
           " entries but a plain op has no up product; leave it empty and use bias");
  }
  check_bias("bias_up", args.bias_up, shape);
  if (op == Op::gated) check_activation(args.activation);
}

void validate_workspace(const GroupedGemmArgs& args, std::size_t needed) {
  if (needed == 0) return;
  if (args.workspace.size() < needed) {
    refuse("the workspace has " + std::to_string(args.workspace.size()) + " bytes but this call of " +
           std::to_string(args.a.rows) + " rows needs " + std::to_string(needed) +
           "; ask workspace_bytes() for the most rows of any call");
  }
  check_pointer("workspace", args.workspace.data(), "64-byte aligned memory");
  check_aligned("workspace", args.workspace.data(), cpu::kCacheLine);
}

}  // namespace thresher::engine
