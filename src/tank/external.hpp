// People, scripts and models that take part: any executable that reads one JSON object and writes one, in time.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tank/ledger.hpp"
#include "tank/panel.hpp"
#include "tank/round_definition.hpp"

namespace thresher::tank {

/// What a run of an executable gave.
struct ProgramOutput {
  std::string out;      // standard output, at most a megabyte
  std::string failure;  // empty when it exited with 0 in time
};

/// Runs a command in `folder` with `input` on its standard input. A command with a slash is a path from `folder`, one
/// without is looked for in PATH. On a timeout, at a megabyte of output and at its end its whole process group is
/// killed. Nothing it does throws: what goes wrong is in `failure`.
ProgramOutput run_program(const std::vector<std::string>& command, const std::filesystem::path& folder,
                          const std::string& input, double seconds);

/// A shark that asks an executable. A hang, a crash, rubbish, a missing criterion, a number out of range: an Assessment
/// with a failure and no vote.
std::unique_ptr<Shark> external_shark(const ExternalProgram& shark, const std::filesystem::path& folder);

/// A pitch that an executable writes: it gets the brief of the round (cases, baseline, observables, lessons) and
/// answers with the pitch as JSON, which is held to the same rules as a file. Nothing, and a reason, when it fails. Its
/// source text is the reply as TOML. The briefs are in tank/external_brief.hpp.
struct ExternalPitch {
  std::optional<Pitch> pitch;
  std::string failure;
};
ExternalPitch external_pitch(const std::string& id, const std::vector<std::string>& command, double seconds,
                             const std::filesystem::path& folder, const Json& brief, const PitchContext& context = {});

}  // namespace thresher::tank
