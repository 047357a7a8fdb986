// The packed order of weights, shared by every instruction set.
//
// A panel is 32 rows: for a gated op 16 gate rows and the 16 up rows of the same columns of C, so that both products of
// an output meet in one task; for a plain op 32 consecutive rows. A panel holds its k steps one after another:
//
//   step (32 elements of k) = 512 bytes of codes + 64 bytes of scales = 9 cache lines
//   codes  [8 quarters][32 words]: quarter q holds rows 4q..4q+3, word w element w of the step;
//                                  nibble j of the word is row 4q + j
//   scales [32 rows][2]          : E4M3 of elements 0..15 and 16..31 of the step
//
// NOTE: one 64-byte load and a shift by 4j put row 4q+j in natural k order, which is what a look-up by scale needs: a
// scale then selects a table of 16 bf16 values, and dequantising is one permute with no multiplication (exact).
#pragma once

#include <cstddef>
#include <cstdint>

#include "thresher/problem.hpp"

namespace thresher::cpu {

inline constexpr std::int64_t kPanelRows = 32;
inline constexpr std::int64_t kHalfRows = 16;
inline constexpr std::int64_t kStepK = 32;
inline constexpr std::int64_t kQuarterRows = 4;
inline constexpr std::int64_t kQuartersPerStep = kPanelRows / kQuarterRows;
inline constexpr std::int64_t kStepCodeBytes = kPanelRows * kStepK / 2;
inline constexpr std::int64_t kStepScaleBytes = kPanelRows * kStepK / kScaleBlock;
inline constexpr std::int64_t kStepBytes = kStepCodeBytes + kStepScaleBytes;
inline constexpr std::size_t kCacheLine = 64;

static_assert(kStepBytes % kCacheLine == 0, "a step starts on a cache line so that 64-byte loads never split");

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit;
}
constexpr std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return divide_up(value, unit) * unit;
}

/// Columns of C that one panel yields.
constexpr std::int64_t panel_columns(Op op) {
  return op == Op::gated ? kHalfRows : kPanelRows;
}

/// Panels of one group, and steps of one panel.
constexpr std::int64_t panel_count(Op op, std::int64_t n) {
  return divide_up(n, panel_columns(op));
}
constexpr std::int64_t step_count(std::int64_t k) {
  return divide_up(k, kStepK);
}

}  // namespace thresher::cpu
