// PackedWeights: checks every view completely, then hands it to the backend to pack.
#include <cmath>
#include <string>

#include "cpu/packed_storage.hpp"
#include "engine/message.hpp"
#include "thresher/error.hpp"
#include "thresher/weights.hpp"

namespace thresher {
namespace {

using engine::refuse;

constexpr std::uintptr_t kSwizzleAlignment = 16;

void check_group(const WeightsShape& shape, std::int64_t group) {
  if (group < 0 || group >= shape.groups) {
    refuse("group " + std::to_string(group) + " does not exist; these weights have groups 0 to " +
           std::to_string(shape.groups - 1));
  }
}

void check_scales(const Nvfp4View& view, const char* name) {
  const std::string matrix = name;
  if (view.layout != ScaleLayout::row_major && view.layout != ScaleLayout::swizzled_128x4) {
    refuse(matrix + ".layout is " + std::to_string(static_cast<int>(view.layout)) +
           "; give 0 (row_major) or 1 (swizzled_128x4)");
  }
  if (view.layout == ScaleLayout::swizzled_128x4 &&
      reinterpret_cast<std::uintptr_t>(view.scales) % kSwizzleAlignment != 0) {
    refuse(matrix + ".scales are at " + engine::address(view.scales) +
           ", which is not 16-byte aligned as swizzled_128x4 scales must be; copy them to an aligned buffer");
  }
  if (!std::isfinite(view.global_scale)) {
    refuse(matrix + ".global_scale is " + engine::number(view.global_scale) +
           "; give a finite multiplier (checkpoints that store its reciprocal need 1 / value, and 0 has none)");
  }
}

void check_view(const WeightsShape& shape, const Nvfp4View& view, const char* name) {
  const std::string matrix = name;
  if (view.codes == nullptr) refuse(matrix + ".codes is null; give [n, k/2] bytes");
  if (view.scales == nullptr) refuse(matrix + ".scales is null; give the E4M3 scales of every 16 elements");
  if (view.rows != shape.n) {
    refuse(matrix + ".rows is " + std::to_string(view.rows) + " but n of these weights is " + std::to_string(shape.n) +
           "; give a view of one group's [n, k]");
  }
  if (view.k != shape.k) {
    refuse(matrix + ".k is " + std::to_string(view.k) + " but k of these weights is " + std::to_string(shape.k) +
           "; k counts elements, two in a byte of codes");
  }
  check_scales(view, name);
}

}  // namespace

PackedWeights::PackedWeights(const WeightsShape& shape) {
  // The storage checks groups, n and k, which decide its size.
  if (shape.op != Op::plain && shape.op != Op::gated) {
    refuse("op of the weights is " + std::to_string(static_cast<int>(shape.op)) + "; give 0 (plain) or 1 (gated)");
  }
  storage_ = std::make_unique<Storage>(shape);
}

PackedWeights::~PackedWeights() = default;
PackedWeights::PackedWeights(PackedWeights&&) noexcept = default;
PackedWeights& PackedWeights::operator=(PackedWeights&&) noexcept = default;

void PackedWeights::pack(std::int64_t group, const Nvfp4View& weights) {
  if (shape().op != Op::plain) {
    refuse("pack() of group " + std::to_string(group) +
           " got one matrix but these weights are gated; call pack(group, gate, up)");
  }
  check_group(shape(), group);
  check_view(shape(), weights, "weights");
  cpu::pack_group(*storage_, group, weights, nullptr);
}

void PackedWeights::pack(std::int64_t group, const Nvfp4View& gate, const Nvfp4View& up) {
  if (shape().op != Op::gated) {
    refuse("pack() of group " + std::to_string(group) +
           " got a gate and an up matrix but these weights are plain; call pack(group, weights)");
  }
  check_group(shape(), group);
  check_view(shape(), gate, "gate");
  check_view(shape(), up, "up");
  cpu::pack_group(*storage_, group, gate, &up);
}

const WeightsShape& PackedWeights::shape() const {
  return storage().shape;
}

std::size_t PackedWeights::bytes() const {
  return storage().bytes;
}

const PackedWeights::Storage& PackedWeights::storage() const {
  if (storage_ == nullptr) refuse("these weights were moved from; use those that they were moved to");
  return *storage_;
}

}  // namespace thresher
