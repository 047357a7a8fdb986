// Held-out problems, each called often enough and in enough ways that a cache of results shows.
//
// One prepare serves 16 calls: a first one; ten on equal inputs, whose bits must be equal (races between threads show
// here); four whose inputs differ from the last ones in one element, at the same address; one with other inputs and
// other weights. A candidate that is right for the first calls only, or that recognises inputs by an address, a first
// line or all codes without the scales, answers one of them with the result of another.
#include "measure/cpu_executor_gate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "format/e4m3.hpp"
#include "measure/cpu_executor_side.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

constexpr int kRepeats = 10;
constexpr int kNearDuplicates = 4;
// Draws of elements on a case's own shape, about 400 each.
constexpr int kDraws = 4;

struct GateProblem {
  Problem problem;
  Recipe recipe = Recipe::normal;
};

// Rows where kernels have edges, and more groups than any of them expects.
std::vector<std::int64_t> draw_groups(Random& random, int number) {
  constexpr std::int64_t kEdges[] = {0, 1, 7, 8, 63, 65};
  std::vector<std::int64_t> m(std::begin(kEdges), std::end(kEdges));
  for (std::size_t i = m.size(); i > 1; --i)
    std::swap(m[i - 1], m[random.below(i)]);
  // Every edge in the first problem, later ones fewer groups, but two, so that a border can move.
  if (number > 0) m.resize(2 + random.below(m.size() - 1));
  if (std::all_of(m.begin(), m.end(), [](std::int64_t rows) { return rows == 0; })) m.push_back(7);
  return m;
}

GateProblem draw_problem(const Problem& like, Random& random, int number) {
  constexpr std::int64_t kColumns[] = {1, 15, 17, 31, 33, 63, 65, 97, 127, 161};
  constexpr std::int64_t kDepths[] = {16, 32, 48, 80, 112, 144, 272, 528};
  GateProblem drawn;
  drawn.problem = like;
  drawn.problem.m = draw_groups(random, number);
  drawn.problem.n = kColumns[random.below(std::size(kColumns))];
  drawn.problem.k = kDepths[random.below(std::size(kDepths))];
  if (like.output == OutputType::nvfp4) drawn.problem.n = (drawn.problem.n + 15) / 16 * 16;
  drawn.recipe = kRecipes[static_cast<std::size_t>(number) % std::size(kRecipes)];
  return drawn;
}

// What a cache by content overlooks: one code of the last row, one scale, one group's global scale, a group's border.
void change_one_thing(ProblemData& data, int which, Random& random) {
  const bool nvfp4 = data.problem.operand == OperandType::nvfp4;
  if (!nvfp4) {
    std::uint16_t& half = data.a_half[data.a_half.size() - 1 - random.below(8)];
    half = static_cast<std::uint16_t>(half ^ 0x8000u);
    return;
  }
  std::vector<std::uint8_t>& codes = data.a_nvfp4.codes;
  switch (which) {
    case 0: {
      // A nibble of the last row: another magnitude.
      std::uint8_t& code = codes[codes.size() - 1 - random.below(8)];
      code = static_cast<std::uint8_t>(code ^ 0x03u);
      break;
    }
    case 1: {
      std::uint8_t& scale = data.a_nvfp4.scales[random.below(data.a_nvfp4.scales.size())];
      scale = scale == kE4m3One ? 0x40 : kE4m3One;
      break;
    }
    case 2:
      for (float& scale : data.a_global_scales)
        scale *= 1.5f;
      break;
    default:
      // A row of one group becomes the neighbour's, same bytes: the first border with rows on either side moves.
      for (std::size_t group = 1; group + 1 < data.offsets.size(); ++group) {
        const bool left = data.offsets[group] > data.offsets[group - 1];
        if (!left && data.offsets[group + 1] == data.offsets[group]) continue;
        const std::int32_t step = left ? -1 : 1;
        data.offsets[group] += step;
        data.problem.m[group - 1] += step;
        data.problem.m[group] -= step;
        break;
      }
  }
}

class Gate {
 public:
  Gate(const Candidate& candidate, std::uint64_t seed, const CpuExecutorOptions& options, const Floors& floors,
       ConfigBench& bench)
      : options_(options), floors_(floors), bench_(bench), random_(mix64(seed)), side_(candidate, options) {}

  CheckOutcome run(std::span<const catalog::Case> cases) {
    if (fails(side_.start())) return outcome_;
    for (int i = 0; i < options_.check_problems && !cases.empty(); ++i) {
      const Problem& like = cases[static_cast<std::size_t>(i) % cases.size()].problem;
      if (!held_out(draw_problem(like, random_, i), i)) return outcome_;
    }
    if (options_.checks.quiet && fails(side_.quiet())) return outcome_;
    for (const catalog::Case& one : cases) {
      if (!own_shape(one)) return outcome_;
    }
    if (options_.checks.quiet) fails(side_.quiet());
    return outcome_;
  }

 private:
  // Where a call goes, and what its failure is called.
  struct Place {
    CandidateSide& side;
    BenchedCase& data;
    std::string words;
    bool exact = false;
  };

  bool fails(std::optional<Failure> failure, const std::string& where = "") {
    if (!failure) return false;
    if (!where.empty()) failure->reason += " (" + where + ")";
    outcome_.failure = std::move(failure);
    return true;
  }

  BenchedCase make(const GateProblem& drawn, int sets) {
    return {.slot = 0,
            .weights = WeightSets(drawn.problem, drawn.recipe, random_.next(), sets),
            .inputs = Inputs(drawn.problem),
            .outputs = Outputs(drawn.problem)};
  }

  bool prepare(const Problem& problem, const Place& at) {
    return !fails(at.side.prepare(at.data.slot, problem, floors_.facts().threads, at.data.weights, at.data.inputs,
                                  at.data.outputs),
                  at.words);
  }

  bool invalid(const Place& at, const std::string& what) {
    fails(Failure{FailureKind::invalid, at.side.candidate().name + " " + what}, at.words);
    return false;
  }

  // One call on fresh poison. Judged by the reference unless `first` holds the bits that it must have.
  bool call(const Place& at, int set, const reference::Selection& selection, const std::vector<std::byte>* first) {
    BenchedCase& data = at.data;
    data.outputs.poison(random_);
    const SideCall ran = at.side.call(data.slot, set, data.inputs, data.outputs, options_.least_timeout_seconds);
    if (fails(ran.failure, at.words)) return false;
    const bool judged = first == nullptr;
    ElementCheck tally;
    const auto failure = judge_call(data.inputs, data.outputs, data.weights, set,
                                    judged ? selection : reference::Selection{}, options_.checks, tally, at.exact);
    outcome_.elements += tally.checked;
    outcome_.max_rel_err = std::max(outcome_.max_rel_err, tally.max_rel_err);
    if (failure) return invalid(at, failure->reason);
    if (judged || !options_.checks.repeats || data.outputs.same_bytes(*first)) return true;
    return invalid(at,
                   "gave other bits for equal inputs: it has a race between threads, or computes on some calls only");
  }

  bool near_duplicates(const Place& at, const reference::Selection& all) {
    for (int which = 0; which < kNearDuplicates && options_.checks.near_duplicates; ++which) {
      ProblemData changed = at.data.inputs.data();
      change_one_thing(changed, which, random_);
      at.data.inputs.replace_in_place(std::move(changed));
      if (!call(at, 0, all, nullptr)) return false;
    }
    return true;
  }

  bool held_out(const GateProblem& drawn, int number) {
    const Problem& problem = drawn.problem;
    constexpr int kSets = 2;
    BenchedCase data = make(drawn, kSets);
    Place at{.side = side_,
             .data = data,
             .words = fmt::format("held-out problem {}: {} m={} n={} k={}, {}", number + 1, to_string(problem.op),
                                  fmt::join(problem.m, ","), problem.n, problem.k, to_string(drawn.recipe)),
             .exact = drawn.recipe == Recipe::integers && problem.op == Op::plain};
    if (!prepare(problem, at)) return false;
    ++outcome_.problems;
    const reference::Selection all = reference::select_all(problem);
    data.inputs.place(generate_activations(problem, drawn.recipe, random_.next()), random_);
    if (!call(at, 0, all, nullptr)) return false;
    const std::vector<std::byte> first = data.outputs.copy();
    for (int i = 0; i < kRepeats; ++i) {
      if (!call(at, 0, all, &first)) return false;
    }
    at.exact = false;  // changed scales need not keep sums exact
    if (!near_duplicates(at, all)) return false;
    data.inputs.place(generate_activations(problem, drawn.recipe, random_.next()), random_);
    if (!call(at, 1, all, nullptr)) return false;
    return !fails(side_.release(0), at.words) && weights_unchanged(at);
  }

  bool own_shape(const catalog::Case& one) {
    if (side_.candidate().kind == CandidateKind::config) {
      std::optional<Failure> failure;
      BenchedCase* data = bench_.prepare(side_.candidate(), one.problem, failure);
      if (fails(failure, "case " + one.name)) return false;
      const bool good = call_own_shape(one, {.side = bench_.side(), .data = *data, .words = "case " + one.name});
      if (!good) bench_.drop();
      return good;
    }
    BenchedCase data = make({.problem = one.problem, .recipe = Recipe::normal}, 1);
    const Place at{.side = side_, .data = data, .words = "case " + one.name};
    return prepare(one.problem, at) && call_own_shape(one, at) && !fails(side_.release(0), at.words);
  }

  bool call_own_shape(const catalog::Case& one, const Place& at) {
    ++outcome_.problems;
    at.data.inputs.place(generate_activations(one.problem, Recipe::normal, random_.next()), random_);
    if (!call(at, 0, draw_elements(one.problem, random_), nullptr)) return false;
    const OutputView out = at.data.outputs.view(at.data.inputs.data().out_global_scale);
    for (int draw = 1; draw < kDraws && options_.checks.reference; ++draw) {
      const ElementCheck check =
          check_elements(at.data.inputs.data(), at.data.weights, 0, out, draw_elements(one.problem, random_));
      outcome_.elements += check.checked;
      outcome_.max_rel_err = std::max(outcome_.max_rel_err, check.max_rel_err);
      if (!check.ok()) return invalid(at, "wrong answer: " + check.error);
    }
    return weights_unchanged(at);
  }

  bool weights_unchanged(const Place& at) {
    return !options_.checks.inputs || at.data.weights.unchanged() || invalid(at, "changed the weights");
  }

  const CpuExecutorOptions& options_;
  const Floors& floors_;
  ConfigBench& bench_;
  Random random_;
  CandidateSide side_;
  CheckOutcome outcome_;
};

}  // namespace

CheckOutcome check_on_cpu(const Candidate& candidate, std::span<const catalog::Case> cases, std::uint64_t seed,
                          const CpuExecutorOptions& options, const Floors& floors, ConfigBench& bench) {
  try {
    return Gate(candidate, seed, options, floors, bench).run(cases);
  } catch (const Error& error) {
    return {.failure = Failure{FailureKind::error, error.what()}};
  } catch (const std::bad_alloc&) {
    return {.failure = Failure{FailureKind::error, "out of memory while making the data; check fewer cases"}};
  }
}

}  // namespace thresher::measure
