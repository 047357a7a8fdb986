// Honest: the project's own engine behind the entry points, as fast as the incumbent that it races.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "thresher/candidate.h"
#include "thresher/engine.hpp"

namespace {

// The workspace that an engine asks for begins at a multiple of this.
constexpr std::size_t kAlignment = 64;

class Control {
 public:
  explicit Control(const thresher_candidate_problem& problem)
      : problem_(problem),
        engine_({.cpu = {.threads = problem.threads}, .champions = {}}),
        weights_({.op = problem.gated != 0 ? thresher::Op::gated : thresher::Op::plain,
                  .groups = problem.groups,
                  .n = problem.n,
                  .k = problem.k}) {
    for (std::int64_t group = 0; group < problem.groups; ++group) {
      if (problem.gated != 0) {
        weights_.pack(group, view(problem.gate[group]), view(problem.up[group]));
      } else {
        weights_.pack(group, view(problem.gate[group]));
      }
    }
    workspace_.resize(engine_.workspace_bytes(weights_, problem.max_rows) + kAlignment);
  }

  std::int32_t run(const thresher_candidate_call& call) {
    const std::int64_t rows = call.offsets[problem_.groups];
    const auto groups = static_cast<std::size_t>(problem_.groups);
    thresher::GroupedGemmArgs args;
    args.a = {.type = thresher::OperandType::nvfp4,
              .data = call.a_codes,
              .scales = call.a_scales,
              .global_scales = {call.a_global_scales, groups},
              .rows = rows,
              .k = problem_.k};
    args.offsets = {call.offsets, groups + 1};
    args.out = {.type = thresher::OutputType::fp16, .data = call.out, .rows = rows, .n = problem_.n};
    void* place = workspace_.data();
    std::size_t space = workspace_.size();
    std::align(kAlignment, space - kAlignment, place, space);
    args.workspace = {static_cast<std::byte*>(place), workspace_.size() - kAlignment};
    if (problem_.gated != 0) {
      engine_.grouped_gated_gemm(weights_, args);
    } else {
      engine_.grouped_gemm(weights_, args);
    }
    return 0;
  }

 private:
  [[nodiscard]] thresher::Nvfp4View view(const thresher_candidate_matrix& matrix) const {
    return {.codes = matrix.codes,
            .scales = matrix.scales,
            .global_scale = matrix.global_scale,
            .rows = problem_.n,
            .k = problem_.k};
  }

  thresher_candidate_problem problem_;  // its pointers are not used after the constructor
  thresher::Engine engine_;
  thresher::PackedWeights weights_;
  std::vector<std::byte> workspace_;
};

}  // namespace

extern "C" std::int32_t thresher_candidate_abi(void) {
  return THRESHER_CANDIDATE_ABI;
}

extern "C" const char* thresher_candidate_name(void) {
  return ZOO_NAME;
}

extern "C" void* thresher_candidate_prepare(const thresher_candidate_problem* problem, const char** error) {
  static std::string message;  // lives on, as the contract asks
  try {
    return new Control(*problem);
  } catch (const std::exception& failure) {
    message = failure.what();
    *error = message.c_str();
    return nullptr;
  }
}

extern "C" std::int32_t thresher_candidate_run(void* state, const thresher_candidate_call* call) {
  try {
    return static_cast<Control*>(state)->run(*call);
  } catch (const std::exception&) {
    return 1;
  }
}

extern "C" void thresher_candidate_release(void* state) {
  delete static_cast<Control*>(state);
}
