// Allocates packed weights and packs a group: NVFP4 rows into panels.
#include "cpu/packed_storage.hpp"

#include <sys/mman.h>

#include <cstring>
#include <limits>
#include <string>

#include "format/scale_layout.hpp"
#include "thresher/error.hpp"

namespace thresher {
namespace {

// Weights of more than this can't be a real request; it also keeps every product below 2^63.
constexpr std::int64_t kMaxDimension = std::int64_t{1} << 31;

void check_shape(const WeightsShape& shape) {
  const auto refuse = [](const char* field, std::int64_t value, const char* need) {
    throw Error(ErrorCode::invalid_argument,
                std::string("weights: ") + field + " = " + std::to_string(value) + "; need " + need);
  };
  if (shape.groups < 1 || shape.groups >= kMaxDimension) refuse("groups", shape.groups, "1 .. 2^31 - 1");
  if (shape.n < 1 || shape.n >= kMaxDimension) refuse("n", shape.n, "1 .. 2^31 - 1");
  if (shape.k < kScaleBlock || shape.k >= kMaxDimension) refuse("k", shape.k, "16 .. 2^31 - 1");
  if (shape.k % kScaleBlock != 0) {
    refuse("k", shape.k, "a multiple of 16 (one E4M3 scale covers 16 elements); pad k with zero codes");
  }
}

std::size_t checked_bytes(const WeightsShape& shape, std::int64_t panels, std::int64_t steps) {
  std::size_t bytes = static_cast<std::size_t>(cpu::kStepBytes);
  for (const std::int64_t factor : {steps, panels, shape.groups}) {
    if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(factor), &bytes) ||
        bytes > std::numeric_limits<std::ptrdiff_t>::max()) {
      throw Error(ErrorCode::out_of_memory, "weights: groups " + std::to_string(shape.groups) + " x n " +
                                                std::to_string(shape.n) + " x k " + std::to_string(shape.k) +
                                                " do not fit the address space; split the groups");
    }
  }
  return bytes;
}

}  // namespace

PackedWeights::Storage::Storage(const WeightsShape& weights_shape) : shape(weights_shape) {
  check_shape(shape);
  panels = cpu::panel_count(shape.op, shape.n);
  steps = cpu::step_count(shape.k);
  bytes = checked_bytes(shape, panels, steps);
  global_scales.assign(static_cast<std::size_t>(2 * shape.groups), 1.0f);
  packed.assign(static_cast<std::size_t>(shape.groups), 0);
  // Fresh pages are taken as groups are packed, so packing expert by expert never holds more than what is packed.
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(ErrorCode::out_of_memory,
                "weights: no memory for " + std::to_string(bytes) + " packed bytes; free some or pack fewer groups");
  }
  data = static_cast<std::uint8_t*>(memory);
  // Large pages save a TLB miss every 4 KB of a stream read once; a refusal costs nothing but that.
  madvise(memory, bytes, MADV_HUGEPAGE);
}

PackedWeights::Storage::~Storage() {
  munmap(data, bytes);
}

namespace cpu {
namespace {

// One matrix of a panel: 16 or 32 consecutive rows that land at panel rows [first_row, first_row + rows).
struct PanelPart {
  const Nvfp4View* view;
  std::int64_t source_row;
  std::int64_t first_row;
  std::int64_t rows;
};

std::uint8_t scale_at(const Nvfp4View& view, std::int64_t row, std::int64_t column) {
  const auto at = view.layout == ScaleLayout::row_major
                      ? static_cast<std::size_t>(row * (view.k / kScaleBlock) + column)
                      : static_cast<std::size_t>(swizzled_scale_offset(row, column, view.k));
  return view.scales[at];
}

// The 16 bytes of codes of one row's step go to nibble j of 32 words.
void pack_codes(const std::uint8_t* codes, std::int64_t code_bytes, unsigned nibble, std::uint8_t* words) {
  const unsigned byte_of_word = nibble / 2;
  const unsigned shift = 4 * (nibble % 2);
  for (std::int64_t i = 0; i < code_bytes; ++i) {
    words[4 * i + byte_of_word] |= static_cast<std::uint8_t>((codes[i] & 15U) << shift);
    words[4 * i + 2 + byte_of_word] |= static_cast<std::uint8_t>((codes[i] >> 4U) << shift);
  }
}

void pack_part(const PanelPart& part, std::int64_t steps, std::uint8_t* panel) {
  const Nvfp4View& view = *part.view;
  for (std::int64_t r = 0; r < part.rows; ++r) {
    const std::int64_t row = part.first_row + r;
    const std::int64_t source = part.source_row + r;
    if (source >= view.rows) {
      break;  // padding rows stay zero
    }
    const std::uint8_t* codes = view.codes + source * (view.k / 2);
    for (std::int64_t step = 0; step < steps; ++step) {
      std::uint8_t* at = panel + step * kStepBytes;
      const std::int64_t left = (view.k - step * kStepK) / 2;
      const std::int64_t code_bytes = left < kStepK / 2 ? left : kStepK / 2;
      pack_codes(codes + step * (kStepK / 2), code_bytes, static_cast<unsigned>(row % kQuarterRows),
                 at + row / kQuarterRows * 64);
      for (std::int64_t block = 0; block < code_bytes / 8; ++block) {
        at[kStepCodeBytes + 2 * row + block] = scale_at(view, source, 2 * step + block);
      }
    }
  }
}

}  // namespace

void pack_group(PackedWeights::Storage& storage, std::int64_t group, const Nvfp4View& gate, const Nvfp4View* up) {
  const std::int64_t panel_bytes = storage.steps * kStepBytes;
#pragma omp parallel for schedule(static)
  for (std::int64_t index = 0; index < storage.panels; ++index) {
    std::uint8_t* panel = storage.data + (group * storage.panels + index) * panel_bytes;
    std::memset(panel, 0, static_cast<std::size_t>(panel_bytes));
    if (up == nullptr) {
      pack_part({&gate, index * kPanelRows, 0, kPanelRows}, storage.steps, panel);
    } else {
      pack_part({&gate, index * kHalfRows, 0, kHalfRows}, storage.steps, panel);
      pack_part({up, index * kHalfRows, kHalfRows, kHalfRows}, storage.steps, panel);
    }
  }
  storage.global_scales[static_cast<std::size_t>(2 * group)] = gate.global_scale;
  storage.global_scales[static_cast<std::size_t>(2 * group + 1)] = up != nullptr ? up->global_scale : 1.0f;
  storage.packed[static_cast<std::size_t>(group)] = 1;
}

}  // namespace cpu
}  // namespace thresher
