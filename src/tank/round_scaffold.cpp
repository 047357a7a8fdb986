// Writes the files of a new round, ready to be edited.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <sstream>
#include <system_error>

#include "device/files.hpp"
#include "tank/builtin_rules.hpp"
#include "tank/round_definition.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

namespace fs = std::filesystem;

// The seed's cases and kernel state, for a round without a measured one before it.
const std::vector<std::string> kSeedCases = {"g8-k7168", "g8-k2048", "g2-k4096", "g2-k1536"};
constexpr const char* kSeedBaseline =
    "block_m=128,block_n=128,block_k=256,dequant_stages=1,prefetch_distance=0,store=cached,roles=fused";

std::string quoted(const std::string& text) {
  std::ostringstream stream;
  stream << toml::value<std::string>(text);
  return stream.str();
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) {
    parts.push_back(quoted(text));
  }
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

void refuse_unless_empty(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error) && !error) return;
  if (!error && fs::is_directory(folder, error) && fs::is_empty(folder, error)) return;
  throw Error(ErrorCode::io, fmt::format("cannot make a round in '{}': {}; name a folder that does not exist yet",
                                         folder.string(), error ? error.message() : "it is there and not empty"));
}

std::string relative_to(const fs::path& target, const fs::path& folder) {
  return fs::relative(fs::weakly_canonical(target), fs::weakly_canonical(folder)).generic_string();
}

// The nearest rules/round-2.toml above the folder, or nothing.
std::optional<fs::path> rules_above(const fs::path& folder) {
  for (fs::path at = fs::weakly_canonical(folder).parent_path();; at = at.parent_path()) {
    const fs::path rules = at / "rules" / "round-2.toml";
    std::error_code ignored;
    if (fs::is_regular_file(rules, ignored)) return rules;
    if (at == at.parent_path()) return std::nullopt;
  }
}

std::string round_text(const std::string& rules, const std::vector<std::string>& history,
                       const std::vector<std::string>& cases, const std::string& baseline) {
  return fmt::format(
      "# A round of the tank. docs/tank.md describes every key.\n"
      "title = \"A new round\"\n"
      "rules = {}\n"
      "history = {}  # folders of the rounds whose lessons bind this one\n"
      "device = \"cpu\"\n"
      "op = \"gated\"\n"
      "cases = {}\n"
      "baseline = {}\n"
      "baseline_note = \"where the round starts from\"\n"
      "seed = 1  # order of sides, weights, held-out shapes\n"
      "\n"
      "[budget]\n"
      "seconds = 600  # of measuring, checks included\n"
      "funded = 4     # pitches that the panel funds at most\n",
      quoted(rules), quoted_list(history), quoted_list(cases), quoted(baseline));
}

std::string pitch_text(const std::vector<std::string>& cases, const std::vector<Lesson>& lessons) {
  std::string text =
      "# An example pitch: replace every line. docs/tank.md describes every key.\n"
      "contestant = \"your name\"\n"
      "kind = \"new\"\n"
      "category = \"tile_size\"\n"
      "title = \"Wider blocks of tokens\"\n"
      "summary = \"A block of 256 tokens holds a whole group, so its weights are dequantised once.\"\n"
      "mechanism = \"Fewer panels are dequantised for the same products.\"\n"
      "mechanism_observable = { observable = \"panels_dequantised\", relation = \"decreases\", case = " +
      quoted(cases.front()) +
      " }\n\n"
      "[change]\n"
      "config = \"block_m=256\"\n";
  for (const std::string& name : cases) {
    text += fmt::format(
        "\n[[prediction]]  # you are 80 % sure: time before / time after\ncase = {}\nlow = 0.98\nhigh = "
        "1.10\n",
        quoted(name));
  }
  text += fmt::format(
      "\n[[evidence]]\n"
      "kind = \"kernel_specific\"\n"
      "criterion = \"kernel_specific_analysis\"\n"
      "text = \"Groups of more than 128 tokens are cut in two today, and each half dequantises every weight.\"\n"
      "claim = {{ observable = \"panels_dequantised\", relation = \"decreases\", case = {} }}\n"
      "\n"
      "[[risk]]\n"
      "text = \"Sums of 256 tokens may not stay in L2.\"\n"
      "mitigation = \"The short race shows it in a few blocks.\"\n"
      "\n[[test]]\nstep = \"config\"\n"
      "\n[[test]]\nstep = \"correctness\"\n"
      "\n[[test]]\nstep = \"short_race\"\n"
      "\n[[test]]\nstep = \"full_race\"\n",
      quoted(cases.front()));
  for (const Lesson& lesson : lessons) {
    if (!lesson.binding || (lesson.category && *lesson.category != Category::tile_size)) continue;
    text += fmt::format(
        "\n[[answer]]\nlesson = {}\ntext = \"What changed since: fewer panels for the same work, counted.\"\n"
        "claim = {{ observable = \"panels_dequantised\", relation = \"decreases\", case = {} }}\n",
        quoted(lesson.id), quoted(cases.front()));
  }
  return text;
}

}  // namespace

void write_new_round(const fs::path& folder, const std::vector<fs::path>& history) {
  refuse_unless_empty(folder);
  std::vector<std::string> cases = kSeedCases;
  std::string baseline = kSeedBaseline;
  std::vector<Lesson> lessons;
  std::vector<std::string> history_paths;
  for (const fs::path& earlier : history) {
    const RoundDefinition round = load_round(earlier);
    history_paths.push_back(relative_to(earlier, folder));
    cases = round.cases;
    if (round.recorded) {
      lessons.insert(lessons.end(), round.recorded->lessons.begin(), round.recorded->lessons.end());
    } else {
      baseline = to_text(round.baseline);
    }
  }
  const std::optional<fs::path> rules = rules_above(folder);
  if (!rules) device::write_whole_file(folder / "rules.toml", builtin_rules());
  device::write_whole_file(folder / "pitches" / "example.toml", pitch_text(cases, lessons));
  device::write_whole_file(folder / "round.toml", round_text(rules ? relative_to(*rules, folder) : "rules.toml",
                                                             history_paths, cases, baseline));
}

}  // namespace thresher::tank
