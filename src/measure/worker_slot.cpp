// Preparing and running configs and libraries.
#include "measure/worker_slot.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

struct FreeBytes {
  void operator()(std::byte* bytes) const noexcept { std::free(bytes); }
};
using AlignedMemory = std::unique_ptr<std::byte[], FreeBytes>;

AlignedMemory aligned_memory(std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  const std::size_t size = (std::max<std::size_t>(bytes, 1) + kLine - 1) / kLine * kLine;
  AlignedMemory memory(static_cast<std::byte*>(std::aligned_alloc(kLine, size)));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// The raw matrices of all sets.
class RawWeights {
 public:
  RawWeights(const PrepareRequest& request, int fd)
      : request_(request),
        layout_(request.problem),
        map_(fd, 0, layout_.bytes(static_cast<std::size_t>(request.sets)), GuardedMap::Access::read) {}

  [[nodiscard]] Nvfp4View view(std::size_t set, std::size_t group, std::size_t which) const {
    const auto* base = reinterpret_cast<const std::uint8_t*>(map_.data());
    float global_scale = 0.0f;
    std::memcpy(&global_scale, base + layout_.global_at(static_cast<std::size_t>(request_.sets), set, group, which),
                sizeof(global_scale));
    return {.codes = base + layout_.codes_at(set, group, which),
            .scales = base + layout_.scales_at(set, group, which),
            .global_scale = global_scale,
            .rows = request_.problem.n,
            .k = request_.problem.k};
  }

  [[nodiscard]] const WeightsLayout& layout() const { return layout_; }

 private:
  const PrepareRequest& request_;
  WeightsLayout layout_;
  GuardedMap map_;
};

void check_set(const RunRequest& call, std::size_t sets) {
  if (call.set < 0 || static_cast<std::size_t>(call.set) >= sets) {
    throw Error(ErrorCode::parse,
                "set " + std::to_string(call.set) + " was never prepared; there are " + std::to_string(sets));
  }
}

class ConfigSlot final : public Slot {
 public:
  ConfigSlot(const CpuConfig& config, const PrepareRequest& request, int weights, int inputs, int outputs)
      : problem_(request.problem), engine_({.cpu = config, .champions = {}}), memory_(request, inputs, outputs) {
    (void)engine_.resolve(problem_);
    const RawWeights raw(request, weights);
    const WeightsShape shape{.op = problem_.op, .groups = problem_.groups(), .n = problem_.n, .k = problem_.k};
    for (std::size_t set = 0; set < static_cast<std::size_t>(request.sets); ++set) {
      sets_.emplace_back(shape);
      pack(raw, set);
    }
    take_workspace();
  }

  void configure(const CpuConfig& config) override {
    const Engine engine({.cpu = config, .champions = {}});
    (void)engine.resolve(problem_);
    engine_ = engine;
    take_workspace();
  }

  std::optional<CallReport> run(const RunRequest& call) override {
    check_set(call, sets_.size());
    CallReport report;
    const auto groups = static_cast<std::size_t>(problem_.groups());
    const bool nvfp4 = problem_.operand == OperandType::nvfp4;
    const std::size_t biases = problem_.bias ? groups * static_cast<std::size_t>(problem_.n) : 0;
    const bool gated = problem_.op == Op::gated;
    const GroupedGemmArgs args{.a = {.type = problem_.operand,
                                     .data = memory_.at(call, Piece::a),
                                     .scales = memory_.as<std::uint8_t>(call, Piece::a_scales),
                                     .global_scales = {memory_.as<float>(call, Piece::a_globals), nvfp4 ? groups : 0},
                                     .rows = problem_.total_m(),
                                     .k = problem_.k},
                               .offsets = {memory_.as<std::int32_t>(call, Piece::offsets), groups + 1},
                               .out = {.type = problem_.output,
                                       .data = memory_.at(call, Piece::out),
                                       .scales = memory_.as<std::uint8_t>(call, Piece::out_scales),
                                       .global_scale = call.out_global_scale,
                                       .rows = problem_.total_m(),
                                       .n = problem_.n},
                               .bias = {memory_.as<float>(call, Piece::bias), biases},
                               .bias_up = {memory_.as<float>(call, Piece::bias_up), gated ? biases : 0},
                               .activation = problem_.activation,
                               .workspace = {workspace_.get(), workspace_bytes_},
                               .report = &report};
    const PackedWeights& weights = sets_[static_cast<std::size_t>(call.set)];
    if (gated) {
      engine_.grouped_gated_gemm(weights, args);
    } else {
      engine_.grouped_gemm(weights, args);
    }
    return report;
  }

 private:
  void take_workspace() {
    const std::size_t bytes = sets_.empty() ? 0 : engine_.workspace_bytes(sets_.front(), problem_.total_m());
    if (bytes > workspace_bytes_ || workspace_ == nullptr) workspace_ = aligned_memory(bytes);
    workspace_bytes_ = std::max(workspace_bytes_, bytes);
    // Touched here, so that no timed call waits for pages.
    std::memset(workspace_.get(), 0, workspace_bytes_);
  }

  void pack(const RawWeights& raw, std::size_t set) {
    PackedWeights& packed = sets_.back();
    const auto groups = static_cast<std::int64_t>(raw.layout().groups);
#pragma omp parallel for schedule(dynamic)
    for (std::int64_t group = 0; group < groups; ++group) {
      const auto index = static_cast<std::size_t>(group);
      if (problem_.op == Op::gated) {
        packed.pack(group, raw.view(set, index, 0), raw.view(set, index, 1));
      } else {
        packed.pack(group, raw.view(set, index, 0));
      }
    }
  }

  Problem problem_;
  Engine engine_;
  MappedCall memory_;
  std::vector<PackedWeights> sets_;
  std::size_t workspace_bytes_ = 0;
  AlignedMemory workspace_;
};

class LibrarySlot final : public Slot {
 public:
  LibrarySlot(const CandidateLibrary& library, const PrepareRequest& request, int weights, int inputs, int outputs)
      : request_(request), library_(library), memory_(request, inputs, outputs), raw_(request_, weights) {
    for (std::size_t set = 0; set < static_cast<std::size_t>(request_.sets); ++set)
      states_.push_back(library_.prepare(problem_of(set)));
  }

  ~LibrarySlot() override {
    for (void* state : states_)
      library_.release(state);
  }

  LibrarySlot(const LibrarySlot&) = delete;
  LibrarySlot& operator=(const LibrarySlot&) = delete;

  void configure(const CpuConfig& config) override {
    throw Error(ErrorCode::unsupported, "a library has no knobs to set to " + to_text(config));
  }

  std::optional<CallReport> run(const RunRequest& call) override {
    check_set(call, states_.size());
    const thresher_candidate_call arguments{.a_codes = memory_.as<std::uint8_t>(call, Piece::a),
                                            .a_scales = memory_.as<std::uint8_t>(call, Piece::a_scales),
                                            .a_global_scales = memory_.as<float>(call, Piece::a_globals),
                                            .offsets = memory_.as<std::int32_t>(call, Piece::offsets),
                                            .out = memory_.as<std::uint16_t>(call, Piece::out)};
    const std::int32_t status = library_.run(states_[static_cast<std::size_t>(call.set)], arguments);
    if (status != 0) throw Error(ErrorCode::unsupported, "run returned " + std::to_string(status));
    return std::nullopt;
  }

 private:
  thresher_candidate_problem problem_of(std::size_t set) {
    const WeightsLayout& layout = raw_.layout();
    const auto matrices_of = [&](std::size_t which) {
      std::vector<thresher_candidate_matrix> matrices;
      for (std::size_t group = 0; group < layout.groups; ++group) {
        const Nvfp4View view = raw_.view(set, group, which);
        matrices.push_back({.codes = view.codes, .scales = view.scales, .global_scale = view.global_scale});
      }
      return matrices;
    };
    const Problem& problem = request_.problem;
    const bool gated = problem.op == Op::gated;
    gate_ = matrices_of(0);
    if (gated) up_ = matrices_of(1);
    return {.gated = gated ? 1 : 0,
            .threads = request_.threads,
            .groups = problem.groups(),
            .n = problem.n,
            .k = problem.k,
            .max_rows = problem.total_m(),
            .gate = gate_.data(),
            .up = gated ? up_.data() : nullptr};
  }

  PrepareRequest request_;
  const CandidateLibrary& library_;
  MappedCall memory_;
  RawWeights raw_;
  std::vector<thresher_candidate_matrix> gate_;
  std::vector<thresher_candidate_matrix> up_;
  std::vector<void*> states_;
};

}  // namespace

MappedCall::MappedCall(const PrepareRequest& request, int inputs, int outputs) : bytes_(piece_bytes(request.problem)) {
  for (std::size_t i = 0; i < kPieces; ++i) {
    const Window& window = request.windows[i];
    if (bytes_[i] > window.bytes) {
      throw Error(ErrorCode::parse, "a window of " + std::to_string(window.bytes) + " bytes is too small for " +
                                        std::to_string(bytes_[i]));
    }
    if (bytes_[i] == 0) continue;
    const bool output = is_output(static_cast<Piece>(i));
    maps_[i] = GuardedMap(output ? outputs : inputs, window.at, window.bytes,
                          output ? GuardedMap::Access::write : GuardedMap::Access::read);
  }
}

std::byte* MappedCall::at(const RunRequest& call, Piece piece) const {
  const auto i = static_cast<std::size_t>(piece);
  if (bytes_[i] == 0) return nullptr;
  if (call.at[i] > maps_[i].size() - bytes_[i]) {
    throw Error(ErrorCode::parse, "a call at " + std::to_string(call.at[i]) + " is outside its window");
  }
  return maps_[i].data() + call.at[i];
}

std::unique_ptr<Slot> make_config_slot(const CpuConfig& config, const PrepareRequest& request, int weights, int inputs,
                                       int outputs) {
  return std::make_unique<ConfigSlot>(config, request, weights, inputs, outputs);
}

std::unique_ptr<Slot> make_library_slot(const CandidateLibrary& library, const PrepareRequest& request, int weights,
                                        int inputs, int outputs) {
  return std::make_unique<LibrarySlot>(library, request, weights, inputs, outputs);
}

}  // namespace thresher::measure
