// Keeping cases packed.
#include "measure/cpu_executor_bench.hpp"

#include <utility>

#include "device/memory.hpp"

namespace thresher::measure {
namespace {

// Not a secret: whoever is measured here is a config of ours. Races and held-out problems draw theirs.
constexpr std::uint64_t kSeed = 20;

std::string key_of(const Problem& problem) {
  return to_json(PrepareRequest{.slot = 0, .problem = problem, .threads = 1, .sets = 1, .windows = {}}).dump();
}

}  // namespace

void ConfigBench::drop() {
  side_.reset();
  cases_.clear();
  bytes_ = 0;
}

BenchedCase* ConfigBench::prepare(const Candidate& candidate, const Problem& problem, std::optional<Failure>& failure) {
  const std::string key = key_of(problem);
  const std::size_t more = WeightsLayout(problem).bytes(1);
  const std::optional<std::size_t> available = device::available_memory_bytes();
  // Raw and packed weights stay; both of the next case must fit beside what else this machine does.
  if (available && !cases_.contains(key) && bytes_ > 0 && 2 * more > *available / 4) drop();
  if (side_ == nullptr || !side_->alive()) {
    drop();
    side_ = std::make_unique<CandidateSide>(candidate, options_);
    failure = side_->start();
  } else {
    failure = side_->configure(candidate);
  }
  if (failure) {
    drop();
    return nullptr;
  }
  std::unique_ptr<BenchedCase>& one = cases_[key];
  if (one != nullptr) return one.get();
  const int slot = static_cast<int>(cases_.size());
  one.reset(new BenchedCase{.slot = slot,
                            .weights = WeightSets(problem, Recipe::normal, kSeed, 1),
                            .inputs = Inputs(problem),
                            .outputs = Outputs(problem)});
  failure = side_->prepare(slot, problem, floors_.facts().threads, one->weights, one->inputs, one->outputs);
  if (failure) {
    drop();
    return nullptr;
  }
  bytes_ += more;
  return one.get();
}

}  // namespace thresher::measure
