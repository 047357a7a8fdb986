// Compiled kernels on disk: one file each, checked when it is read, so that a damaged one costs a compilation and no
// more.
//
// Background. Compiling a kernel takes up to seconds; serving should need the driver only, and no compiler.
// Approach. An entry's name is the hash of everything that goes into the compiler, and behind it the compiler's
// version. With a compiler at hand only the entry of its version counts; without one, any version's will do. The file
// begins with lengths and two independent hashes of the key and a checksum of all the rest: a collision, a cut-off or a
// flipped bit is seen. Files are written beside, synced and renamed, so processes may share the folder without locks;
// two that compile the same kernel write the same file. Rejected. A database (locks on network file systems); the
// compiler's version inside the hash (then nothing could be found without the compiler).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/environment.hpp"

namespace thresher::gpu {

/// What decides the bytes of a cubin.
struct CubinKey {
  std::string text;      // source, headers, options, architecture, version of this format
  std::string compiler;  // "nvrtc-13.0"
};

struct CachedCubin {
  std::string kernel;
  std::string arch;
  std::string log;  // of the compiler: the evidence is read from it again
  std::string cubin;

  bool operator==(const CachedCubin&) const = default;
};

/// An entry, or none; `problem` says why a file that is there can't be used.
struct CubinLookup {
  std::optional<CachedCubin> entry;
  std::string compiler;
  std::string problem;
};

/// A file in the folder, for lists.
struct CacheEntry {
  std::filesystem::path file;
  std::uintmax_t bytes = 0;
  std::string kernel;
  std::string arch;
  std::string compiler;
  std::string problem;  // why it can't be used; then the three above are empty
};

struct CacheCleared {
  std::size_t files = 0;
  std::uintmax_t bytes = 0;
};

class CubinCache {
 public:
  explicit CubinCache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// In cubin/ below the cache folder of the environment; nothing when no variable names one.
  static std::optional<CubinCache> of(const device::Environment& environment);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  /// Never throws for files that are missing, damaged or unreadable.
  [[nodiscard]] CubinLookup find(const CubinKey& key) const;
  /// The same whichever compiler made it, the newest version first.
  [[nodiscard]] CubinLookup find_of_any_compiler(std::string_view key_text) const;

  /// Empty, or why it could not be stored (a full disk, a folder that can't be written): the caller goes on without.
  [[nodiscard]] std::string store(const CubinKey& key, const CachedCubin& entry) const;

  /// By name. A folder that is missing holds nothing. Throws Error(io) when it can't be read.
  [[nodiscard]] std::vector<CacheEntry> list() const;
  [[nodiscard]] std::uintmax_t bytes() const;
  /// Removes the entries and what killed writers left, nothing else. Throws Error(io) naming what can't be removed.
  [[nodiscard]] CacheCleared clear() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace thresher::gpu
