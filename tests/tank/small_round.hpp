// A round in a folder of its own, on made-up times whose true effects are known.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "catalog/cases.hpp"
#include "device/files.hpp"
#include "measure/replay_executor.hpp"
#include "tank/pitch.hpp"
#include "tank/round_history.hpp"
#include "tank/round_runner.hpp"
#include "temporary_folder.hpp"
#include "toml_text.hpp"

namespace thresher::tank {

inline const std::string kBaselineText =
    "block_m=128,block_n=128,block_k=256,dequant_stages=1,prefetch_distance=0,store=cached,roles=fused";

/// The text by which the synthetic executor knows the baseline with a patch.
inline std::string config_key(const std::string& patch) {
  const CpuConfig baseline = cpu_config_from_text(kBaselineText);
  return to_text(patch.empty() ? baseline : ConfigPatch::from_text(patch).apply(baseline));
}

/// A kind of device for which champions are kept, in front of made-up times.
class SmallDevice final : public measure::Executor {
 public:
  explicit SmallDevice(measure::SyntheticOptions options, const std::string& machine = "synthetic-2c")
      : times_(std::move(options)), facts_(times_.device()) {
    facts_.kind = "cpu-portable";
    facts_.machine = machine;
  }
  [[nodiscard]] const measure::DeviceFacts& device() const override { return facts_; }
  std::optional<measure::Failure> admit(const measure::Candidate& candidate,
                                        std::span<const catalog::Case> cases) override {
    return times_.admit(candidate, cases);
  }
  measure::CaseObservables observe(const measure::Candidate& candidate, const catalog::Case& one, bool run) override {
    return times_.observe(candidate, one, run);
  }
  measure::CheckOutcome check(const measure::Candidate& candidate, std::span<const catalog::Case> cases,
                              std::uint64_t seed) override {
    checked.push_back(candidate.name);
    return times_.check(candidate, cases, seed);
  }
  measure::OpenedRace open_race(const measure::RaceRequest& request) override {
    raced.emplace_back(to_text(request.incumbent.config), to_text(request.candidate.config));
    return times_.open_race(request);
  }
  [[nodiscard]] double floor_seconds(const catalog::Case& one) const override { return times_.floor_seconds(one); }

  std::vector<std::string> checked;
  std::vector<std::pair<std::string, std::string>> raced;  // incumbent, candidate

 private:
  measure::SyntheticExecutor times_;
  measure::DeviceFacts facts_;
};

struct StopHere {};

/// Keeps what it is told, and stops the round at a checkpoint.
class Watcher final : public Observer {
 public:
  explicit Watcher(int stop_at = -1) : stop_at_(stop_at) {}
  void stage(const std::string& what) override { stages.push_back(what); }
  void update(std::int64_t /*done*/, std::int64_t /*total*/) override {}
  void note(const std::string& text) override { notes.push_back(text); }
  void checkpoint() override {
    if (checkpoints++ == stop_at_) throw StopHere();
  }

  std::vector<std::string> stages;
  std::vector<std::string> notes;
  int checkpoints = 0;

 private:
  int stop_at_;
};

struct SmallPitch {
  std::string id;
  std::string config;
  std::string category = "tile_size";
  std::string kind = "kind = \"new\"";
  bool answers = true;
  // [[test]] tables. A panel does not fund a pitch without a plan.
  std::string tests =
      "\n[[test]]\nstep = \"config\"\n\n[[test]]\nstep = \"observable\"\nclaim = { observable = "
      "\"panels_ahead\", relation = \"increases\" }\n\n[[test]]\nstep = \"correctness\"\n\n[[test]]\nstep = "
      "\"short_race\"\ncases = [\"g2-k1536\"]\n\n[[test]]\nstep = \"full_race\"\n";
};

inline std::string pitch_text(const SmallPitch& pitch, const std::vector<std::string>& cases) {
  std::string text =
      "contestant = \"Ada\"\n" + pitch.kind + "\ncategory = \"" + pitch.category + "\"\ntitle = \"The " + pitch.id +
      " pitch\"\nsummary = \"A summary.\"\nmechanism = \"Panels are ahead.\"\n" +
      "mechanism_observable = { observable = \"panels_ahead\", relation = \"increases\" }\n\n[change]\n" +
      "config = \"" + pitch.config + "\"\n";
  for (const std::string& name : cases)
    text += "\n[[prediction]]\ncase = \"" + name + "\"\nlow = 1.01\nhigh = 1.1\n";
  for (const char* criterion : {"expected_gain", "soundness", "kernel_specific_analysis"})
    text += std::string("\n[[evidence]]\nkind = \"kernel_specific\"\ncriterion = \"") + criterion +
            "\"\ntext = \"It is counted.\"\nclaim = { observable = \"panels_ahead\", relation = \"increases\" }\n";
  text += "\n[[risk]]\ntext = \"It may be slow.\"\nmitigation = \"A short race first.\"\n";
  text += "\n[[risk]]\ntext = \"Panels may leave L2.\"\nmitigation = \"They are counted.\"\n" + pitch.tests;
  if (pitch.answers)
    for (const char* lesson : {"industry-standard", "pipeline-stages"})
      text += std::string("\n[[answer]]\nlesson = \"01-pipeline-stages/") + lesson +
              "\"\ntext = \"It is filled now.\"\nclaim = { observable = \"panels_ahead\", relation = \"increases\" }\n";
  return text;
}

/// The folder, the truth about its pitches, and ways to run it.
class SmallRound {
 public:
  SmallRound() {
    options.noise = 0.005;
    options.candidates[config_key("")].observables = {{"panels_ahead", 0.0}};
    rules = replaced(device::read_whole_file(kSource / "rules/round-2.toml"), "exploration_share = 0.2",
                     "exploration_share = 0.95");
  }

  /// A pitch and how its config behaves.
  measure::SyntheticCandidate& add(const SmallPitch& pitch, double log_effect) {
    pitches.push_back(pitch);
    return truth(pitch.config, log_effect);
  }
  measure::SyntheticCandidate& truth(const std::string& patch, double log_effect) {
    measure::SyntheticCandidate& behaviour = options.candidates[config_key(patch)];
    behaviour.log_effect = log_effect;
    behaviour.observables = {{"panels_ahead", 1000.0}};
    return behaviour;
  }

  [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "02-small"; }
  [[nodiscard]] std::filesystem::path champions() const { return folder_.path() / "champions"; }
  [[nodiscard]] std::filesystem::path rules_file() const { return folder_.path() / "rules.toml"; }

  void write() const {
    std::filesystem::create_directories(path() / "pitches");
    device::write_whole_file(rules_file(), rules);
    std::string names;
    for (const std::string& name : cases)
      names += "\"" + name + "\", ";
    device::write_whole_file(
        path() / "round.toml",
        "title = \"Small\"\nrules = \"../rules.toml\"\n" +
            (history ? "history = [\"" + (kSource / "rounds/01-pipeline-stages").string() + "\"]\n" : std::string()) +
            "cases = [" + names + "]\nbaseline = \"" + kBaselineText +
            "\"\nchampions = \"../champions\"\nseed = 7\n\n[budget]\nseconds = 600\nfunded = 20\n");
    for (const SmallPitch& pitch : pitches)
      device::write_whole_file(path() / "pitches" / (pitch.id + ".toml"), pitch_text(pitch, cases));
  }

  [[nodiscard]] std::vector<catalog::Case> catalog() const { return catalog::load_cases(kSource / "cases"); }

  RoundRecord run(SmallDevice& executor, Observer& observer, double seconds = 600.0) const {
    Ledger ledger(ledger_file(path()), Ledger::Mode::append);
    RoundRecord record =
        run_round(load_round(path()), catalog(), executor, ledger, observer, {.budget_seconds = seconds});
    ledger.close();
    return record;
  }
  RoundRecord run() const {
    SmallDevice executor(options);
    Watcher watcher;
    return run(executor, watcher);
  }

  measure::SyntheticOptions options;
  std::vector<SmallPitch> pitches;
  std::vector<std::string> cases = {"g2-k4096", "g2-k1536"};
  std::string rules;
  bool history = true;

 private:
  TemporaryFolder folder_;
};

inline const PitchRecord& pitch_of(const RoundRecord& record, const std::string& id) {
  for (const PitchRecord& pitch : record.pitches)
    if (pitch.pitch.id == id) return pitch;
  throw Error(ErrorCode::invalid_argument, "no pitch " + id);
}

inline std::string verdict_of(const RoundRecord& record, const std::string& id) {
  const PitchRecord& pitch = pitch_of(record, id);
  return pitch.outcome ? to_string(pitch.outcome->verdict) : "none";
}

/// Every sample once, and no attempt at a block after a complete one.
inline void expect_whole(const Ledger& ledger, std::size_t cases) {
  for (const std::string& race : ledger.races()) {
    std::map<std::pair<int, int>, std::set<std::pair<std::string, int>>> attempts;  // (block, attempt) -> calls
    for (const Sample& sample : ledger.samples(race)) {
      auto& calls = attempts[std::pair(sample.block, sample.attempt)];
      EXPECT_TRUE(calls.emplace(sample.case_name, sample.position).second) << race << " has a sample twice";
    }
    for (auto it = attempts.begin(); it != attempts.end(); ++it) {
      const auto next = std::next(it);
      const bool again = next != attempts.end() && next->first.first == it->first.first;
      const std::size_t whole = 4 * (race.ends_with("short_race") ? 1 : cases);
      if (again) {
        EXPECT_LT(it->second.size(), whole) << race << " ran the complete block " << it->first.first << " again";
      }
    }
  }
}

}  // namespace thresher::tank
