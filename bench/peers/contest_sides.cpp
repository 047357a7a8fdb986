// Making and running both sides. Nothing here is timed but the two run() functions.
#include "contest_sides.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "cpu/kernel_table.hpp"
#include "device/cpu_info.hpp"
#include "device/memory.hpp"
#include "format/half.hpp"
#include "format/pack.hpp"
#include "measure/rotation.hpp"

namespace thresher::peers {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr Recipe kRecipe = Recipe::normal;
// Rows and columns of the sample that is checked: a second of reference at most.
constexpr std::int64_t kCheckedRows = 32;
constexpr std::int64_t kCheckedColumns = 48;
// Three roundings to bf16 (gate, up or their product, output), each 2^-9, with a factor of two to spare.
constexpr double kBf16Error = 0.012;

std::size_t item_bytes(PeerType type) {
  return type == PeerType::bf16 ? 2 : 4;
}

void store(std::uint8_t* out, PeerType type, std::uint16_t bf16) {
  if (type == PeerType::bf16) {
    std::memcpy(out, &bf16, sizeof bf16);
  } else {
    const float value = bf16_to_float(bf16);
    std::memcpy(out, &value, sizeof value);
  }
}

// code * scale of every element, exact in bf16; the global scales stay outside, in the alphas.
void expand(const Nvfp4Matrix& matrix, PeerType type, std::uint8_t* out) {
  const std::size_t item = item_bytes(type);
#pragma omp parallel for schedule(static)
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    const std::uint8_t* codes = matrix.codes.data() + row * matrix.k / 2;
    const std::uint8_t* scales = matrix.scales.data() + row * matrix.k / kScaleBlock;
    std::uint8_t* to = out + static_cast<std::size_t>(row * matrix.k) * item;
    for (std::int64_t k = 0; k < matrix.k; ++k, to += item)
      store(to, type, cpu::kDequantTables.words[scales[k / kScaleBlock]][nibble_at(codes, k)]);
  }
}

std::vector<std::uint8_t> expand_activations(const ProblemData& inputs, PeerType type) {
  const auto count = static_cast<std::size_t>(inputs.problem.total_m() * inputs.problem.k);
  std::vector<std::uint8_t> out(count * item_bytes(type));
  if (inputs.problem.operand == OperandType::nvfp4) {
    expand(inputs.a_nvfp4, type, out.data());
  } else {
    for (std::size_t i = 0; i < count; ++i)
      store(out.data() + i * item_bytes(type), type, inputs.a_half[i]);
  }
  return out;
}

std::size_t elements_of_weights(const Problem& problem) {
  return 2 * static_cast<std::size_t>(problem.groups() * problem.n * problem.k);
}

}  // namespace

Contest::Contest(const Problem& wanted) : problem(wanted), inputs(generate_activations(wanted, kRecipe, kSeed)) {
  const reference::Selection sample = reference::select_sample(problem, kCheckedRows, kCheckedColumns, kSeed);
  alphas.resize(2 * problem.m.size());
  for (std::size_t g = 0; g < problem.m.size(); ++g) {
    const float a = inputs.a_global_scales.empty() ? 1.0f : inputs.a_global_scales[g];
    for (std::size_t which = 0; which < 2; ++which)
      alphas[2 * g + which] = a * weights(static_cast<std::int64_t>(g), static_cast<int>(which)).global_scale;
  }
  truth = reference::compute(
      inputs, [this](std::int64_t group, int which) { return weights(group, which); }, &sample);
}

Nvfp4Matrix Contest::weights(std::int64_t group, int which) const {
  return generate_weights(problem, kRecipe, kSeed, group, which);
}

reference::Comparison Contest::check(const void* fp16) const {
  const OutputView view{.type = OutputType::fp16,
                        .data = const_cast<void*>(fp16),
                        .scales = nullptr,
                        .global_scale = 1.0f,
                        .rows = problem.total_m(),
                        .n = problem.n};
  return reference::compare(truth, inputs, view);
}

int sets_needed(std::size_t bytes_per_set) {
  const std::optional<std::size_t> available = device::available_memory_bytes();
  const auto limit = available ? std::optional<std::size_t>(*available / 2) : std::nullopt;
  return measure::sets_for(bytes_per_set, device::cpu_info().l3_bytes, limit).sets;
}

ThresherSide::ThresherSide(const Contest& contest, const CpuConfig& config)
    : contest_(contest), engine_(EngineOptions{.cpu = config}) {
  const Problem& problem = contest.problem;
  const WeightsShape shape{.op = problem.op, .groups = problem.groups(), .n = problem.n, .k = problem.k};
  const int sets = sets_needed(elements_of_weights(problem) * 9 / 16);
  for (int set = 0; set < sets; ++set)
    weights_.emplace_back(shape);
  for (std::int64_t group = 0; group < problem.groups(); ++group) {
    const Nvfp4Matrix gate = contest.weights(group, 0);
    const Nvfp4Matrix up = contest.weights(group, 1);
    for (PackedWeights& packed : weights_)
      packed.pack(group, gate.view(), up.view());
  }
  // One cache line more, because a vector is not aligned to one.
  workspace_.resize(engine_.workspace_bytes(weights_.front(), problem.total_m()) + 64);
  out_.resize(static_cast<std::size_t>(problem.total_m() * problem.n));
}

void ThresherSide::run(int set) {
  void* start = workspace_.data();
  std::size_t space = workspace_.size();
  auto* aligned = static_cast<std::byte*>(std::align(64, space - 63, start, space));
  const GroupedGemmArgs args{.a = contest_.inputs.a(),
                             .offsets = contest_.inputs.offsets,
                             .out = {.type = OutputType::fp16,
                                     .data = out_.data(),
                                     .scales = nullptr,
                                     .global_scale = 1.0f,
                                     .rows = contest_.problem.total_m(),
                                     .n = contest_.problem.n},
                             .bias = {},
                             .bias_up = {},
                             .activation = contest_.problem.activation,
                             .workspace = {aligned, space},
                             .report = &report_};
  engine_.grouped_gated_gemm(weights_[static_cast<std::size_t>(set)], args);
}

void ThresherSide::poison() {
  std::fill(out_.begin(), out_.end(), std::uint16_t{0xFFFF});
}

reference::Comparison ThresherSide::check() const {
  return contest_.check(out_.data());
}

OnednnSide::OnednnSide(const dnnl::engine& engine, const Contest& contest, Variant variant, PeerType type, int sets)
    : contest_(contest),
      type_(type),
      op_(engine, contest.problem, contest.alphas, variant, type),
      a_(expand_activations(contest.inputs, type)) {
  const Problem& problem = contest.problem;
  const std::size_t bytes = elements_of_weights(problem) * item_bytes(type);
  weights_.resize(static_cast<std::size_t>(sets > 0 ? sets : sets_needed(bytes)));
  const std::size_t half = static_cast<std::size_t>(problem.n * problem.k) * item_bytes(type);
  std::vector<std::uint8_t> rows(2 * half);
  for (std::int64_t group = 0; group < problem.groups(); ++group) {
    expand(contest.weights(group, 0), type, rows.data());
    expand(contest.weights(group, 1), type, rows.data() + half);
    for (std::vector<GroupWeights>& packed : weights_)
      packed.push_back(op_.pack(group, rows.data()));
  }
  out_.resize(static_cast<std::size_t>(problem.total_m() * problem.n) * op_.out_bytes());
}

void OnednnSide::run(int set) {
  op_.run(weights_[static_cast<std::size_t>(set)], a_.data(), out_.data());
}

void OnednnSide::poison() {
  std::fill(out_.begin(), out_.end(), std::uint8_t{0xFF});
}

reference::Comparison OnednnSide::check() const {
  std::vector<std::uint16_t> fp16;
  op_.to_fp16(out_.data(), fp16);
  return contest_.check(fp16.data());
}

bool OnednnSide::acceptable(const reference::Comparison& comparison) const {
  return comparison.ok() || comparison.max_rel_err <= kBf16Error;
}

}  // namespace thresher::peers
