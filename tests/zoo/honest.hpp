// The arithmetic that every library of the zoo shares: an attack is this with one thing wrong, so that the check that
// stops it stops it for that one thing.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/half.hpp"
#include "thresher/candidate.h"

namespace zoo {

using Call = thresher_candidate_call;
using Matrix = thresher_candidate_matrix;

/// The steps that an attack may replace.
struct Exact {
  static float scale(std::uint8_t code) { return thresher::e4m3_to_float(code); }

  // Four sums, because one would wait for itself; k is a multiple of 16.
  static float dot(const float* a, const float* b, std::int64_t k) {
    float sums[4] = {};
    for (std::int64_t i = 0; i < k; i += 4) {
      for (std::int64_t lane = 0; lane < 4; ++lane)
        sums[lane] += a[i + lane] * b[i + lane];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  static float a_global_scale(const Call& call, std::int64_t group) { return call.a_global_scales[group]; }

  static float up_global_scale(const Matrix& gate, const Matrix& up) {
    static_cast<void>(gate);
    return up.global_scale;
  }
};

// The sigmoid form: 0.5 * (1 + tanh) cancels.
inline float silu(float x) {
  return x / (1.0f + std::exp(-x));
}

/// One row of k elements in fp32, exact with an exact Arithmetic::scale.
template <class Arithmetic>
void dequantise(const std::uint8_t* codes, const std::uint8_t* scales, std::int64_t k, float* to) {
  for (std::int64_t i = 0; i < k; i += 16) {
    const float scale = Arithmetic::scale(scales[i / 16]);
    for (std::int64_t j = i; j < i + 16; j += 2) {
      const std::uint8_t pair = codes[j / 2];
      to[j] = thresher::e2m1_to_float(pair & 0xF) * scale;
      to[j + 1] = thresher::e2m1_to_float(static_cast<std::uint8_t>(pair >> 4)) * scale;
    }
  }
}

/// Rows [first_row, end_row) of all rows, columns [first_col, end_col).
struct Part {
  std::int64_t first_row = 0;
  std::int64_t end_row = 0;
  std::int64_t first_col = 0;
  std::int64_t end_col = 0;
};

struct Scratch {
  std::vector<float> a;     // [rows of a group, k]
  std::vector<float> gate;  // [k]
  std::vector<float> up;    // [k]
};

/// The problem as prepare got it, and a call computed as plainly as can be.
template <class Arithmetic = Exact>
class Library {
 public:
  explicit Library(const thresher_candidate_problem& problem)
      : gated_(problem.gated != 0),
        threads_(problem.threads),
        groups_(problem.groups),
        n_(problem.n),
        k_(problem.k),
        gate_(problem.gate, problem.gate + problem.groups) {
    if (gated_) up_.assign(problem.up, problem.up + problem.groups);
  }

  std::int32_t run(const Call& call) {
    compute(call, whole(call));
    return 0;
  }

 protected:
  [[nodiscard]] std::int64_t rows(const Call& call) const { return call.offsets[groups_]; }
  [[nodiscard]] Part whole(const Call& call) const { return {0, rows(call), 0, n_}; }

  void compute(const Call& call, const Part& part) { compute(call, part, scratch_); }

  void compute(const Call& call, const Part& part, Scratch& scratch) const {
    compute_with(call, part, scratch, [this](const Matrix& matrix, std::int64_t col, float* to) {
      dequantise<Arithmetic>(matrix.codes + col * k_ / 2, matrix.scales + col * k_ / 16, k_, to);
    });
  }

  /// `weight_row(matrix, col, to)` writes one dequantised row of k weights.
  template <class WeightRow>
  void compute_with(const Call& call, const Part& part, Scratch& scratch, const WeightRow& weight_row) const {
    scratch.gate.resize(static_cast<std::size_t>(k_));
    scratch.up.resize(static_cast<std::size_t>(k_));
    for (std::int64_t group = 0; group < groups_; ++group) {
      const std::int64_t first = std::max<std::int64_t>(call.offsets[group], part.first_row);
      const std::int64_t end = std::min<std::int64_t>(call.offsets[group + 1], part.end_row);
      if (first >= end) continue;
      load_rows(call, first, end, scratch.a);
      const Matrix& gate = gate_[static_cast<std::size_t>(group)];
      for (std::int64_t col = part.first_col; col < part.end_col; ++col) {
        weight_row(gate, col, scratch.gate.data());
        if (gated_) weight_row(up_[static_cast<std::size_t>(group)], col, scratch.up.data());
        for (std::int64_t row = first; row < end; ++row) {
          const float value = element(call, group, scratch.a.data() + (row - first) * k_, scratch);
          call.out[row * n_ + col] = thresher::fp16_from_float(value);
        }
      }
    }
  }

  void load_rows(const Call& call, std::int64_t first, std::int64_t end, std::vector<float>& to) const {
    to.resize(static_cast<std::size_t>((end - first) * k_));
    for (std::int64_t row = first; row < end; ++row) {
      dequantise<Arithmetic>(call.a_codes + row * k_ / 2, call.a_scales + row * k_ / 16, k_,
                             to.data() + (row - first) * k_);
    }
  }

  /// The element of sums without global scales.
  [[nodiscard]] float finish(const Call& call, std::int64_t group, float gate_sum, float up_sum) const {
    const float a_scale = Arithmetic::a_global_scale(call, group);
    const Matrix& gate = gate_[static_cast<std::size_t>(group)];
    const float first = gate_sum * (a_scale * gate.global_scale);
    if (!gated_) return first;
    const float up_scale = Arithmetic::up_global_scale(gate, up_[static_cast<std::size_t>(group)]);
    return silu(first) * (up_sum * (a_scale * up_scale));
  }

  bool gated_;
  std::int32_t threads_;
  std::int64_t groups_;
  std::int64_t n_;
  std::int64_t k_;
  std::vector<Matrix> gate_;
  std::vector<Matrix> up_;  // empty when plain
  Scratch scratch_;

 private:
  [[nodiscard]] float element(const Call& call, std::int64_t group, const float* a, const Scratch& scratch) const {
    const float gate_sum = Arithmetic::dot(a, scratch.gate.data(), k_);
    return finish(call, group, gate_sum, gated_ ? Arithmetic::dot(a, scratch.up.data(), k_) : 0.0f);
  }
};

}  // namespace zoo

// The entry points but one, over a type that is made from the problem and has run(call). ZOO_NAME is the target's name.
#define ZOO_LIBRARY_BUT_ABI(Type)                                                                                  \
  extern "C" const char* thresher_candidate_name(void) {                                                           \
    return ZOO_NAME;                                                                                               \
  }                                                                                                                \
  extern "C" void* thresher_candidate_prepare(const thresher_candidate_problem* problem, const char** /*error*/) { \
    return new Type(*problem);                                                                                     \
  }                                                                                                                \
  extern "C" std::int32_t thresher_candidate_run(void* state, const thresher_candidate_call* call) {               \
    return static_cast<Type*>(state)->run(*call);                                                                  \
  }                                                                                                                \
  extern "C" void thresher_candidate_release(void* state) {                                                        \
    delete static_cast<Type*>(state);                                                                              \
  }

#define ZOO_LIBRARY(Type)                                \
  extern "C" std::int32_t thresher_candidate_abi(void) { \
    return THRESHER_CANDIDATE_ABI;                       \
  }                                                      \
  ZOO_LIBRARY_BUT_ABI(Type)
