// The arbiter's memory of one case: sealed weights, inputs that change with every pair of calls, poisoned outputs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/generate.hpp"
#include "format/random.hpp"
#include "measure/shared_memory.hpp"
#include "measure/worker_messages.hpp"
#include "thresher/problem.hpp"
#include "thresher/views.hpp"

namespace thresher::measure {

/// The raw weights of all data sets, different in each set so that no candidate can keep one copy in cache for all of
/// them. Nobody can write them once they are made.
class WeightSets {
 public:
  WeightSets(const Problem& problem, Recipe recipe, std::uint64_t seed, int sets);

  [[nodiscard]] int sets() const { return sets_; }
  [[nodiscard]] int fd() const { return memory_.read_only_fd(); }

  /// The rows `columns` (of C; ascending) of one matrix, as a matrix of their own. which: 0 gate or plain, 1 up.
  [[nodiscard]] Nvfp4Matrix gather(int set, std::int64_t group, int which, std::span<const std::int64_t> columns) const;

  /// True while the bytes are those that were sealed.
  [[nodiscard]] bool unchanged() const;

 private:
  Problem problem_;
  WeightsLayout layout_;
  int sets_;
  SharedMemory memory_;
  std::uint64_t fingerprint_ = 0;
};

/// The activations of the call at hand, at addresses that change with every content.
class Inputs {
 public:
  explicit Inputs(const Problem& problem);

  /// Copies `data` to offsets drawn from `random`. Every second time pieces end at their guard page, where
  /// reading one byte too many ends the process.
  void place(ProblemData data, Random& random);
  /// The same, but each piece where the last one was: for caches that go by address.
  void replace_in_place(ProblemData data);

  [[nodiscard]] const ProblemData& data() const { return data_; }
  [[nodiscard]] int fd() const { return memory_.read_only_fd(); }
  [[nodiscard]] const std::array<Window, kPieces>& windows() const { return windows_; }
  [[nodiscard]] const std::array<std::size_t, kPieces>& at() const { return at_; }

  /// True while the shared bytes are those of data().
  [[nodiscard]] bool unchanged() const;

 private:
  void copy_all();

  std::array<std::size_t, kPieces> bytes_;
  std::array<Window, kPieces> windows_{};
  std::array<std::size_t, kPieces> at_{};
  SharedMemory memory_;
  ProblemData data_;
};

/// Where one side writes. The other side never sees it.
class Outputs {
 public:
  explicit Outputs(const Problem& problem);

  /// Fills everything with a pattern that no result has, at offsets drawn from `random`.
  void poison(Random& random);

  [[nodiscard]] int fd() const { return memory_.fd(); }
  [[nodiscard]] const std::array<Window, kPieces>& windows() const { return windows_; }
  [[nodiscard]] const std::array<std::size_t, kPieces>& at() const { return at_; }

  /// The result, wherever it lies now.
  [[nodiscard]] OutputView view(float global_scale) const;
  /// Data and scales as one run of bytes.
  [[nodiscard]] std::vector<std::byte> copy() const;
  [[nodiscard]] bool same_bytes(std::span<const std::byte> copy) const;

  [[nodiscard]] bool fences_intact() const;
  /// Elements (NVFP4: blocks of 16) that hold the poison still. Patterns are signalling NaNs, which no arithmetic
  /// gives.
  [[nodiscard]] std::int64_t unwritten() const;

 private:
  [[nodiscard]] std::span<std::byte> piece(Piece piece) const;
  [[nodiscard]] bool intact(std::size_t from, std::size_t to) const;
  void fill(Piece which, std::uint64_t pattern, Random& random);

  Problem problem_;
  std::array<std::size_t, kPieces> bytes_;
  std::array<Window, kPieces> windows_{};
  std::array<std::size_t, kPieces> at_{};
  std::array<std::uint64_t, kPieces> pattern_{};
  SharedMemory memory_;
};

/// A view of bytes that Outputs::copy() gave.
OutputView view_of(const Problem& problem, std::span<std::byte> copy, float global_scale);

}  // namespace thresher::measure
