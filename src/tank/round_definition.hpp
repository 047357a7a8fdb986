// A round as its folder describes it: round.toml and pitches/*.toml.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tank/lesson.hpp"
#include "tank/pitch.hpp"
#include "tank/rules.hpp"
#include "tank/verdict.hpp"
#include "thresher/config.hpp"
#include "thresher/problem.hpp"

namespace thresher::tank {

struct Budget {
  double seconds = 600.0;  // of measuring, checks included
  int funded = 4;          // pitches that the panel funds at most
};

/// An external shark or contestant: an executable that speaks JSON on stdin and stdout.
struct ExternalProgram {
  std::string name;
  std::vector<std::string> command;  // paths are resolved against the round's folder
  double seconds = 10.0;
};

/// A round that happened elsewhere: its figures are recorded, not measured here.
struct RecordedRound {
  std::string source;
  std::string what_happened;
  Pitch pitch;                       // as far as it is known
  Outcome outcome;                   // speed-ups are quotients of the recorded times: nobody kept an interval
  std::vector<std::string> printed;  // one per case of the outcome: the change as the source prints it
  std::vector<std::string> reasons;  // why it failed, as given
  std::vector<Lesson> lessons;
  std::vector<std::string> observations;
  std::vector<std::string> contestants;  // ids of all pitches that were heard: the one that was measured and the others
  std::string state;                     // the kernel's state afterwards, verbatim
};

struct RoundDefinition {
  std::filesystem::path folder;
  std::string name;  // of the folder
  std::string title;
  std::string intro;
  std::filesystem::path rules_file;
  std::string device = "cpu";
  Op op = Op::gated;
  std::vector<std::string> cases;
  std::vector<std::filesystem::path> history;  // folders of earlier rounds
  CpuConfig baseline;                          // the state that the round starts from
  std::string baseline_note;
  std::filesystem::path champions;  // folder that a winner is written to; empty: none
  Budget budget;
  std::uint64_t seed = 0;
  std::vector<ExternalProgram> sharks;
  std::vector<ExternalProgram> contestants;  // who write their pitches when the round runs
  std::vector<std::string> needs;            // "what we need", for the report
  std::optional<RecordedRound> recorded;
  std::string source_text;
};

/// What the pitches of a round may refer to, for load_pitches().
PitchContext pitch_context(const RoundDefinition& round, const Rules& rules);

/// Throws Error(io | parse) naming file, line, key and value. Unknown keys are errors.
RoundDefinition load_round(const std::filesystem::path& folder);

/// Writes round.toml and an example pitch for a new round; its cases are the latest measured round's of the history,
/// else the seed's. Rules: rules/round-2.toml of a folder above, else a copy beside round.toml. Throws Error(io) when
/// the folder is not empty.
void write_new_round(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& history);

}  // namespace thresher::tank
