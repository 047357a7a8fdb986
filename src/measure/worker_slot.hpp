// One prepared problem in a worker: its mappings and, for every data set, what the candidate made of the weights.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "measure/shared_memory.hpp"
#include "measure/worker_library.hpp"
#include "measure/worker_messages.hpp"
#include "thresher/engine.hpp"

namespace thresher::measure {

/// The arbiter's memory as a worker sees it.
class MappedCall {
 public:
  MappedCall(const PrepareRequest& request, int inputs, int outputs);

  /// Where a piece of this call starts; null for a piece that the problem does not have. Throws Error(parse) for an
  /// offset outside its window.
  [[nodiscard]] std::byte* at(const RunRequest& call, Piece piece) const;

  template <typename T>
  [[nodiscard]] T* as(const RunRequest& call, Piece piece) const {
    return reinterpret_cast<T*>(at(call, piece));
  }

 private:
  std::array<std::size_t, kPieces> bytes_;
  std::array<GuardedMap, kPieces> maps_;
};

/// Either kind of candidate behind one face.
class Slot {
 public:
  virtual ~Slot() = default;
  /// Nothing to report for a library. Throws Error.
  virtual std::optional<CallReport> run(const RunRequest& call) = 0;
  /// Another config on the weights as they are packed. Throws Error for a library, and for what can't run, which leaves
  /// the earlier one.
  virtual void configure(const CpuConfig& config) = 0;
};

/// Packs all sets and lets go of the raw weights.
std::unique_ptr<Slot> make_config_slot(const CpuConfig& config, const PrepareRequest& request, int weights, int inputs,
                                       int outputs);

/// Keeps the raw weights mapped until it is destroyed, as thresher/candidate.h promises.
std::unique_ptr<Slot> make_library_slot(const CandidateLibrary& library, const PrepareRequest& request, int weights,
                                        int inputs, int outputs);

}  // namespace thresher::measure
