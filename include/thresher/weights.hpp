// Weights packed once into the order that the kernels read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "thresher/problem.hpp"
#include "thresher/views.hpp"

namespace thresher {

/// Shape of the weights of all groups. Gated weights hold a gate and an up matrix per group.
struct WeightsShape {
  Op op = Op::gated;
  std::int64_t groups = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
};

/// The packed weights of all groups: 0.5625 bytes an element, plus padding of n to the panel and k to 32.
/// Groups are packed one by one, so a checkpoint can be read, packed and dropped expert by expert.
/// Packing different groups from different threads is safe; packing the same group twice replaces it.
/// Weights that were moved from throw Error(invalid_argument) whatever is asked of them, until they are assigned to.
class PackedWeights {
 public:
  explicit PackedWeights(const WeightsShape& shape);
  ~PackedWeights();
  PackedWeights(PackedWeights&&) noexcept;
  PackedWeights& operator=(PackedWeights&&) noexcept;
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  /// Packs group `group` of plain weights: `weights` is [n, k].
  void pack(std::int64_t group, const Nvfp4View& weights);

  /// Packs group `group` of gated weights: both [n, k], each with its own global scale.
  void pack(std::int64_t group, const Nvfp4View& gate, const Nvfp4View& up);

  [[nodiscard]] const WeightsShape& shape() const;
  [[nodiscard]] std::size_t bytes() const;

  struct Storage;  // defined by the backend
  [[nodiscard]] const Storage& storage() const;

 private:
  std::unique_ptr<Storage> storage_;
};

}  // namespace thresher
