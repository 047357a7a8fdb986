// What an arbiter and a worker say to each other, as structs, and their JSON.
//
//   {"do": "load", "candidate": {...}}            -> {"ok": true, "name": "..."}
//   {"do": "prepare", "slot": 0, ...} + 3 fds     -> {"ok": true}         weights, inputs, outputs
//   {"do": "run", "slot": 0, "set": 1, ...}       -> {"ok": true, "report": {...}}
//   {"do": "configure", "candidate": {...}}       -> {"ok": true}         another config, same packed weights
//   {"do": "release", "slot": 0}                  -> {"ok": true}
//   {"do": "quit"}                                -> the process ends
// A refusal is {"ok": false, "error": "..."}.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "measure/candidate.hpp"
#include "thresher/engine.hpp"
#include "thresher/problem.hpp"

namespace thresher::measure {

/// Everything a call reads, then everything it writes.
enum class Piece : std::size_t { a, a_scales, a_globals, offsets, bias, bias_up, out, out_scales };
inline constexpr std::size_t kPieces = 8;
inline constexpr std::size_t kInputPieces = 6;

constexpr bool is_output(Piece piece) {
  return static_cast<std::size_t>(piece) >= kInputPieces;
}

/// Bytes of every piece of a problem; 0 for those it does not have.
std::array<std::size_t, kPieces> piece_bytes(const Problem& problem);

/// Where a piece may lie: a part of the inputs' or the outputs' memory, mapped between guard pages.
struct Window {
  std::size_t at = 0;     // in that memory, a multiple of the page
  std::size_t bytes = 0;  // 0: the problem has no such piece
};

/// Where the raw matrices of all sets lie in the weights' memory: [sets][groups][gate, up], codes then scales; after
/// them their global scales in the same order.
struct WeightsLayout {
  explicit WeightsLayout(const Problem& problem);

  std::size_t codes_bytes = 0;
  std::size_t scales_bytes = 0;
  std::size_t matrix_bytes = 0;  // codes and scales, each padded to a cache line
  std::size_t matrices = 1;      // of a group
  std::size_t groups = 0;

  [[nodiscard]] std::size_t set_bytes() const { return groups * matrices * matrix_bytes; }
  [[nodiscard]] std::size_t bytes(std::size_t sets) const {
    return sets * (set_bytes() + groups * matrices * sizeof(float));
  }
  [[nodiscard]] std::size_t global_at(std::size_t sets, std::size_t set, std::size_t group, std::size_t which) const {
    return sets * set_bytes() + ((set * groups + group) * matrices + which) * sizeof(float);
  }
  [[nodiscard]] std::size_t codes_at(std::size_t set, std::size_t group, std::size_t which) const {
    return set * set_bytes() + (group * matrices + which) * matrix_bytes;
  }
  [[nodiscard]] std::size_t scales_at(std::size_t set, std::size_t group, std::size_t which) const {
    return codes_at(set, group, which) + matrix_bytes - scales_padded();
  }

 private:
  [[nodiscard]] std::size_t scales_padded() const { return (scales_bytes + 63) / 64 * 64; }
};

struct PrepareRequest {
  int slot = 0;
  Problem problem;
  int threads = 1;  // of a library; a config names its own
  int sets = 1;
  std::array<Window, kPieces> windows;
};

struct RunRequest {
  int slot = 0;
  int set = 0;
  std::array<std::size_t, kPieces> at{};  // in each piece's window
  float out_global_scale = 1.0f;
};

// Reading throws nlohmann::json::exception or Error for what is not such a message.
nlohmann::json to_json(const Candidate& candidate);
Candidate candidate_from_json(const nlohmann::json& json);
nlohmann::json to_json(const PrepareRequest& request);
PrepareRequest prepare_from_json(const nlohmann::json& json);
nlohmann::json to_json(const RunRequest& request);
RunRequest run_from_json(const nlohmann::json& json);
nlohmann::json to_json(const CallReport& report);
CallReport report_from_json(const nlohmann::json& json);

}  // namespace thresher::measure
