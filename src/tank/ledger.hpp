// The ledger of a round: an SQLite file that is only ever appended to.
//
// Every sample is committed when it arrives, so a round that is killed goes on where it stopped. State is a fold over
// what is here; nothing is updated or deleted (triggers refuse it). Configs, libraries, pitches and rules are kept by
// the hash of their content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thresher::tank {

using Json = nlohmann::ordered_json;

/// SHA-256 of a text, in hex.
std::string content_hash(std::string_view content);

/// Something that happened once: (kind, subject) is unique.
struct Event {
  std::int64_t id = 0;
  std::string at;       // UTC, ISO 8601
  std::string kind;     // "round", "pitch", "seal", "panel", "funding", "gate", "verdict", "champion", "lesson", ...
  std::string subject;  // the pitch, the race, the step
  Json data;
};

/// One timed call.
struct Sample {
  std::string race;  // e.g. "pipeline-stages/full_race/1"
  int block = 0;
  std::string case_name;
  int position = 0;  // 0 .. 3 within the block's four calls
  std::string side;  // incumbent | candidate
  std::uint64_t content = 0;
  double seconds = 0.0;
  std::optional<double> clock_mhz;
  int attempt = 0;  // a block that was broken off is run again as the next attempt; only whole ones count
};

/// Something kept by its hash.
struct Content {
  std::string hash;  // content_hash() of the body
  std::string at;    // UTC, ISO 8601
  std::string kind;  // "config", "library", "pitch", "rules", ...
  std::string body;
};

class Ledger {
 public:
  enum class Mode { read, append };

  /// `append` makes the file when it is missing and takes the only right to write to it. Throws an Error naming the
  /// file and the way out: io when it is missing, locked by another process or on a full disk, parse when it is
  /// corrupt, altered or no ledger, unsupported when a newer program wrote it.
  Ledger(const std::filesystem::path& file, Mode mode);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Content by its hash; keeping it twice is one entry.
  std::string keep(std::string_view kind, std::string_view content);
  [[nodiscard]] std::optional<std::string> content(std::string_view hash) const;
  [[nodiscard]] std::vector<Content> contents() const;  // in the order of their hashes

  /// Throws Error(internal) when (kind, subject) is there already with other data.
  void append(std::string_view kind, std::string_view subject, const Json& data);
  [[nodiscard]] std::optional<Event> find(std::string_view kind, std::string_view subject) const;
  [[nodiscard]] std::vector<Event> events(std::string_view kind = {}) const;

  /// Committed and synced when this returns. Throws Error(internal) when this call of this attempt is there already.
  void append(const Sample& sample);
  /// Of one race, in the order in which they were taken.
  [[nodiscard]] std::vector<Sample> samples(std::string_view race) const;
  [[nodiscard]] std::vector<std::string> races() const;
  [[nodiscard]] std::int64_t sample_count() const;

  /// Folds the write-ahead log into the file, so that the file alone is the whole ledger. Nothing else may be called
  /// after it. Throws Error(io) while somebody reads the file; the destructor tries once more and stays silent.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Everything as one JSON object, for `thresher ledger export`.
Json export_ledger(const Ledger& ledger);

/// The right to measure on a device, held by one process at a time; another one waits or is told who holds it.
class DeviceLock {
 public:
  /// Nothing when it is held elsewhere and `wait` is not set. `holder` then says by whom ("process 123, round ..."); it
  /// may be null. Throws Error(io) when the folder can't be written to.
  static std::optional<DeviceLock> take(const std::filesystem::path& folder, const std::string& device,
                                        const std::string& what, bool wait, std::string* holder);
  DeviceLock(DeviceLock&& other) noexcept;
  DeviceLock& operator=(DeviceLock&& other) noexcept;
  ~DeviceLock();

 private:
  explicit DeviceLock(int file) : file_(file) {}
  int file_ = -1;
};

}  // namespace thresher::tank
