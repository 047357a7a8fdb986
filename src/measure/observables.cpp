// The catalogue of observables.
#include "measure/observables.hpp"

#include <algorithm>
#include <array>

namespace thresher::measure {
namespace {

constexpr EvidenceSource kCompiled = EvidenceSource::compiled;
constexpr EvidenceSource kMeasured = EvidenceSource::measured;

constexpr std::array kCatalogue = {
    ObservableInfo{"panel_buffer_bytes", kCompiled, "bytes", "one dequantised panel of block_k"},
    ObservableInfo{"panel_buffers", kCompiled, "",
                   "dequantised panels that a thread keeps: the stages of its pipeline"},
    ObservableInfo{"buffer_share_of_l1", kCompiled, "", "all panel buffers of a thread over its L1 data cache"},
    ObservableInfo{"token_block_bytes", kCompiled, "bytes",
                   "packed tokens of the largest token block, one block_k deep"},
    ObservableInfo{"token_share_of_l2", kCompiled, "", "token_block_bytes over the L2 cache of a core"},
    ObservableInfo{"accumulators_per_task", kCompiled, "", "fp32 sums that a task keeps over its k blocks"},
    ObservableInfo{"workspace_bytes", kCompiled, "bytes", "memory that a call needs beside its operands"},
    ObservableInfo{"weight_bytes", kCompiled, "bytes", "packed codes of the groups that have rows"},
    ObservableInfo{"scale_bytes", kCompiled, "bytes", "packed block scales of the groups that have rows"},
    ObservableInfo{"bytes_per_element", kCompiled, "bytes", "packed weights and scales, padding included, per weight"},
    ObservableInfo{"weight_bytes_read", kCompiled, "bytes",
                   "packed bytes that all tasks read, once for each token block"},
    ObservableInfo{"weight_passes", kCompiled, "", "weight_bytes_read over the packed weights: 1 reads each once"},
    ObservableInfo{"tokens_per_task", kCompiled, "", "mean rows of a token block"},
    ObservableInfo{"k_blocks", kCompiled, "", "parts that k is cut into; each dequantises its panels anew"},
    ObservableInfo{"tasks", kCompiled, "", "token blocks times column blocks"},
    ObservableInfo{"waves", kCompiled, "", "rounds of tasks if all took equally long"},
    ObservableInfo{"tail_utilisation", kCompiled, "", "places that have a task in the last wave"},
    ObservableInfo{"utilisation", kCompiled, "", "places that have a task, over all waves"},
    ObservableInfo{"computing_threads", kCompiled, "",
                   "threads that multiply: half of them when roles are specialised"},
    ObservableInfo{"padding_fraction", kCompiled, "", "rows of token blocks padded to 16 for the sums, over real rows"},
    ObservableInfo{"bytes_in_flight", kCompiled, "bytes", "prefetch distance times the threads that dequantise"},
    ObservableInfo{"store_bytes_past_cache", kCompiled, "bytes",
                   "result in whole cache lines that is not kept in cache"},
    ObservableInfo{"arithmetic_intensity", kCompiled, "flop/byte", "flops over the bytes that no kernel can avoid"},
    ObservableInfo{"compute_bound", kCompiled, "", "1 when the multiply-add rate makes the floor, 0 when memory does"},
    ObservableInfo{"floor_us", kCompiled, "us", "least time by the ceilings measured in this run"},
    ObservableInfo{"tasks_run", kMeasured, "", "tasks that threads took"},
    ObservableInfo{"token_blocks", kMeasured, "", "token blocks over all groups"},
    ObservableInfo{"threads_used", kMeasured, "", "threads that took part"},
    ObservableInfo{"panels_dequantised", kMeasured, "", "panels times k blocks"},
    ObservableInfo{"panels_ahead", kMeasured, "", "of these, while another panel multiplied"},
    ObservableInfo{"panels_handed_over", kMeasured, "", "of these, by one thread for another"},
    ObservableInfo{"lines_prefetched", kMeasured, "", "64-byte lines of packed weights asked for ahead of use"},
    ObservableInfo{"lines_streamed", kMeasured, "", "64-byte lines written past the cache"},
    ObservableInfo{"call_us", kMeasured, "us",
                   "one call after a warm-up, by the arbiter's clock: a look, not a result"},
    ObservableInfo{"floor_fraction", kMeasured, "", "floor_us over call_us"},
};

}  // namespace

const char* to_string(EvidenceSource source) noexcept {
  return source == EvidenceSource::compiled ? "compiled" : "measured";
}

std::span<const ObservableInfo> observable_catalogue() {
  return kCatalogue;
}

const ObservableInfo* find_observable(std::string_view name) {
  const auto found = std::find_if(kCatalogue.begin(), kCatalogue.end(),
                                  [name](const ObservableInfo& info) { return info.name == name; });
  return found == kCatalogue.end() ? nullptr : &*found;
}

std::optional<double> CaseObservables::find(std::string_view name) const {
  const auto found =
      std::find_if(values.begin(), values.end(), [name](const Observable& one) { return one.name == name; });
  return found == values.end() ? std::nullopt : std::optional<double>(found->value);
}

}  // namespace thresher::measure
