// The autopilot on spaces whose best config is known.
#include "tank/tuner.hpp"

#include <set>

#include "small_round.hpp"

namespace thresher::tank {
namespace {

constexpr std::size_t kGood = 3;  // the index of the value that is better, of each of two knobs

std::optional<std::string> always_valid(const CpuConfig& /*config*/) {
  return std::nullopt;
}

// A small space of 24 points, or one of 6144.
SearchSpace space(bool large, std::function<std::optional<std::string>(const CpuConfig&)> valid = always_valid) {
  std::vector<Knob> knobs = {{.name = "block_m", .values = {32, 64, 128, 256, 512, 1024}},
                             {.name = "block_n", .values = {32, 64, 128, 256}}};
  if (large) {
    knobs.push_back({.name = "block_k", .values = {128, 256, 512, 1024, 2048, 4096, 8192, 16384}});
    knobs.push_back({.name = "dequant_stages", .values = {1, 2, 3, 4}});
    knobs.push_back({.name = "prefetch_distance", .values = {0, 576, 1152, 2304, 4608, 9216, 18432, 36864}});
  }
  return {std::move(knobs), cpu_config_from_text(kBaselineText), std::move(valid)};
}

// `gain` where block_m is right, less by a step for each step away; everything else changes nothing.
measure::SyntheticOptions hill(const SearchSpace& knobs, double gain) {
  measure::SyntheticOptions options;
  options.noise = 0.005;
  const auto all = knobs.all(10000).value();
  for (const Point& point : all) {
    const double steps = std::abs(static_cast<double>(point[0]) - static_cast<double>(kGood));
    options.candidates[to_text(knobs.config(point))].log_effect = gain - 0.04 * steps;
  }
  options.candidates[to_text(cpu_config_from_text(kBaselineText))].log_effect = 0.0;
  return options;
}

struct Search {
  explicit Search(measure::SyntheticOptions options, double seconds) : executor(std::move(options)) {
    request.default_config = cpu_config_from_text(kBaselineText);
    request.budget_seconds = seconds;
    for (const char* name : {"g2-k4096", "g2-k1536"})
      request.cases.push_back(catalog::find_case(catalog::load_cases(kSource / "cases"), name));
  }
  TuneResult run(
      const SearchSpace& knobs, const std::function<bool()>& interrupted = [] { return false; }) {
    Ledger ledger(folder.path() / "ledger.sqlite", Ledger::Mode::append);
    return tune(request, knobs, executor, ledger, watcher, interrupted);
  }
  TemporaryFolder folder;
  SmallDevice executor;
  Watcher watcher;
  TuneRequest request;
};

TEST(Tuner, FindsTheKnownBestOfASmallSpaceAndSaysBeaten) {
  const SearchSpace knobs = space(false);
  Search search(hill(knobs, 0.10), 4.0);
  const TuneResult result = search.run(knobs);
  EXPECT_EQ(result.end, TuneEnd::beaten) << result.why;
  EXPECT_TRUE(result.exhaustive);
  EXPECT_EQ(result.space, 24u);
  EXPECT_EQ(result.best.block_m, 256);
  EXPECT_NEAR(*result.outcome->speed_up, std::exp(0.10), 0.01);
  EXPECT_EQ(result.trials.size(), 24u);
}

TEST(Tuner, ClimbsInASpaceThatCanNotBeWalkedThrough) {
  const SearchSpace knobs = space(true);
  Search search(hill(knobs, 0.10), 4.0);
  const TuneResult result = search.run(knobs);
  EXPECT_FALSE(result.exhaustive);
  EXPECT_EQ(result.end, TuneEnd::beaten) << result.why;
  EXPECT_EQ(result.best.block_m, 256) << result.trials.size() << " trials";
}

TEST(Tuner, NeverSaysBeatenWhereNothingIsBetter) {
  const SearchSpace knobs = space(false);
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    measure::SyntheticOptions options;  // every config is the same
    options.noise = 0.005;
    options.seed = seed;
    Search search(options, 1.5);
    const TuneResult result = search.run(knobs);
    EXPECT_TRUE(result.end == TuneEnd::tied || result.end == TuneEnd::not_beaten)
        << to_string(result.end) << ": " << result.why;
    EXPECT_EQ(result.best, search.request.default_config);
  }
}

TEST(Tuner, SaysNotBeatenWhereEverythingIsWorse) {
  // Without the default's own block size: the default would tie with itself.
  const SearchSpace knobs = space(false, [](const CpuConfig& config) {
    return config.block_m == 128 ? std::optional<std::string>("the default's") : std::nullopt;
  });
  Search search(hill(knobs, -0.05), 2.0);
  const TuneResult result = search.run(knobs);
  EXPECT_EQ(result.end, TuneEnd::not_beaten) << result.why;
  EXPECT_EQ(result.best, search.request.default_config);
}

TEST(Tuner, GoesOnAfterAnInterruptAndMeasuresNothingTwice) {
  const SearchSpace knobs = space(false);
  Search search(hill(knobs, 0.10), 4.0);
  int asked = 0;
  const TuneResult first = search.run(knobs, [&] { return ++asked > 45; });
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.end, TuneEnd::undecided) << first.why;
  EXPECT_GT(first.trials.size(), 1u);
  EXPECT_LT(first.trials.size(), 24u);
  EXPECT_EQ(first.best, search.request.default_config);
  const TuneResult second = search.run(knobs);
  EXPECT_FALSE(second.interrupted);
  EXPECT_EQ(second.end, TuneEnd::beaten) << second.why;
  EXPECT_EQ(second.trials.size(), 24u);
  const Ledger ledger(search.folder.path() / "ledger.sqlite", Ledger::Mode::read);
  std::set<std::tuple<std::string, int, int, std::string, int>> calls;
  for (const std::string& race : ledger.races())
    for (const Sample& one : ledger.samples(race))
      EXPECT_TRUE(calls.emplace(one.race, one.block, one.attempt, one.case_name, one.position).second);
  // What the first run finished was not measured again: one block of 2 cases of 4 calls, and those of the few best.
  for (const Trial& trial : first.trials) {
    for (const Sample& one : ledger.samples("search/" + to_text(trial.config)))
      EXPECT_TRUE(one.block > 0 || one.attempt == 0) << to_text(trial.config);
  }
}

// An interrupt in the noise floor or in the deciding race must not be taken for their end.
TEST(Tuner, AnInterruptAnywhereStillLeadsToTheAnswer) {
  const SearchSpace knobs = space(false);
  int whole = 0;
  {
    Search search(hill(knobs, 0.10), 4.0);
    search.run(knobs, [&] { return ++whole < 0; });
  }
  constexpr int kStops = 8;
  for (int i = 1; i < kStops; ++i) {
    const int at = whole * i / kStops;
    SCOPED_TRACE("stopped when asked for the " + std::to_string(at) + "th time of " + std::to_string(whole));
    Search search(hill(knobs, 0.10), 4.0);
    int asked = 0;
    const TuneResult first = search.run(knobs, [&] { return ++asked > at; });
    EXPECT_TRUE(first.interrupted);
    EXPECT_EQ(first.end, TuneEnd::undecided) << first.why;
    EXPECT_EQ(search.run(knobs).end, TuneEnd::beaten);
  }
}

TEST(Tuner, ConfigsThatFailAreOutWhateverTheirTime) {
  const SearchSpace knobs = space(false);
  measure::SyntheticOptions options = hill(knobs, 0.10);
  for (auto& [text, behaviour] : options.candidates)
    if (text.find("block_m=256") != std::string::npos) {
      behaviour.run = measure::Failure{measure::FailureKind::error, "killed by signal 11"};
      behaviour.fails_at = text.find("block_n=32,") != std::string::npos ? 5 : 2;  // 5: in the deciding race only
    }
  Search search(std::move(options), 4.0);
  const TuneResult result = search.run(knobs);
  EXPECT_EQ(result.trials.size(), 24u);
  int failed = 0;
  for (const Trial& trial : result.trials)
    failed += trial.failure ? 1 : 0;
  EXPECT_EQ(failed, 3);
  EXPECT_EQ(result.end, TuneEnd::beaten) << result.why;
  EXPECT_TRUE(result.best.block_m == 128 || result.best.block_m == 512) << to_text(result.best);
}

// One block is fine and by far the best, the next one fails: both are in the ledger, and the later counts.
TEST(Tuner, AConfigThatFailedInALaterBlockStaysOut) {
  const SearchSpace knobs = space(false);
  Search search(hill(knobs, 0.10), 4.0);
  {
    Ledger ledger(search.folder.path() / "ledger.sqlite", Ledger::Mode::append);
    const CpuConfig config = knobs.config({0, 0});
    ledger.append(
        "trial", to_text(config) + "#1",
        Json{{"point", Point{0, 0}}, {"config", to_text(config)}, {"log_effects", {0.5}}, {"failure", nullptr}});
    ledger.append(
        "trial", to_text(config) + "#1-failed",
        Json{{"point", Point{0, 0}}, {"config", to_text(config)}, {"log_effects", {0.5}}, {"failure", "crashed"}});
  }
  const TuneResult result = search.run(knobs);
  EXPECT_EQ(result.best.block_m, 256);
}

TEST(Tuner, ADefaultThatCanNotRunIsAnError) {
  const SearchSpace knobs = space(false);
  measure::SyntheticOptions options;
  options.candidates[to_text(cpu_config_from_text(kBaselineText))].open =
      measure::Failure{measure::FailureKind::error, "out of memory"};
  Search search(std::move(options), 1.0);
  expect_error(ErrorCode::environment, {"default", "out of memory"}, [&] { search.run(knobs); });
}

}  // namespace
}  // namespace thresher::tank
