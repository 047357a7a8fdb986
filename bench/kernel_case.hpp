// One problem cut into the steps that a kernel table offers, each of which a benchmark can repeat by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cpu/kernel_table.hpp"
#include "cpu/packed_storage.hpp"
#include "format/generate.hpp"
#include "thresher/engine.hpp"

namespace thresher::bench {

struct CaseShape {
  Op op = Op::gated;
  OperandType operand = OperandType::nvfp4;
  OutputType output = OutputType::fp16;
  std::int64_t tokens = 64;
  std::int64_t panels = 8;  // of 16 (gated) or 32 (plain) columns
  std::int64_t k = 2048;
};

/// Instruction sets with a kernel that this machine can run, best first.
std::vector<Isa> usable_isas();

/// Makes the data, packs it, and throws Error(internal) when the steps together give a wrong answer: what is not right
/// is not timed. Use from one thread.
class KernelCase {
 public:
  KernelCase(Isa isa, const CaseShape& shape);
  ~KernelCase();
  KernelCase(const KernelCase&) = delete;
  KernelCase& operator=(const KernelCase&) = delete;

  /// Packs every token tile.
  void pack_tokens();
  /// Dequantises k block `block` of a panel; returns the weights done.
  std::int64_t dequantise(std::int64_t panel, std::int64_t block);
  /// Multiplies what was dequantised last with every token; returns the floating-point operations done.
  double multiply(std::int64_t block);
  /// Writes the columns of one panel; returns the outputs written.
  std::int64_t finish(std::int64_t panel, bool streaming = false);

  [[nodiscard]] const CaseShape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t blocks() const;
  [[nodiscard]] const Problem& problem() const { return data_.problem; }

 private:
  [[nodiscard]] std::int64_t block_steps(std::int64_t block) const;
  void verify();

  CaseShape shape_;
  const cpu::IsaKernels& kernels_;
  ProblemData data_;
  PackedWeights weights_;
  std::int64_t steps_ = 0;
  std::int64_t terms_ = 1;  // of a packed activation
  std::int64_t tile_bytes_ = 0;
  std::int64_t out_row_bytes_ = 0;
  std::shared_ptr<std::uint8_t> tokens_;
  std::shared_ptr<std::uint8_t> buffer_;
  std::shared_ptr<float> acc_;
  std::shared_ptr<std::uint8_t> out_;
  std::vector<std::uint8_t> out_scales_;
};

}  // namespace thresher::bench
