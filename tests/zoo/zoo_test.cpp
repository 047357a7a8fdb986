// Every library of the zoo through a round: attacks must be stopped where and for what they should be, controls
// accepted, and every check must be the only thing in some attack's way.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <iostream>
#include <iterator>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "measure/cpu_executor.hpp"
#include "zoo_round.hpp"

namespace {

using thresher::measure::CpuChecks;
using thresher::measure::CpuExecutor;
using thresher::measure::CpuExecutorOptions;
using thresher::measure::FailureKind;
using zoo::Gate;
using zoo::Ruling;

struct Attack {
  const char* name;
  std::set<Gate> gates;         // that may stop it
  std::set<FailureKind> kinds;  // as what
  // One of these must be in the words of the failure, so that it was stopped for what is wrong with it.
  std::vector<const char*> reasons;
};

void PrintTo(const Attack& attack, std::ostream* out) {
  *out << attack.name;
}

const std::set<FailureKind> kInvalid = {FailureKind::invalid};
const std::set<FailureKind> kError = {FailureKind::error};
const std::set<FailureKind> kEither = {FailureKind::invalid, FailureKind::error};

const Attack kAttacks[] = {
    // results
    {"attack_writes_nothing", {Gate::check}, kInvalid, {"unwritten"}},
    {"attack_skips_last_rows", {Gate::check}, kInvalid, {"unwritten"}},
    {"attack_skips_tail_columns", {Gate::check}, kInvalid, {"unwritten"}},
    {"attack_known_shapes", {Gate::check}, kInvalid, {"unwritten"}},
    {"attack_first_call_only", {Gate::check}, kInvalid, {"unwritten"}},
    {"attack_skips_tenth_call", {Gate::check, Gate::race}, kInvalid, {"unwritten"}},
    {"attack_waits_for_race", {Gate::race}, kInvalid, {"unwritten"}},
    {"attack_constant", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_nan_wildcard", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_stale_output", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_pointer_cache", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_fingerprint_cache", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_codes_cache", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_globals_cache", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_fp16_accumulation", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_bf16_accumulation", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_bf16_blocks", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_drops_scale_bit", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_flushes_scales", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_ignores_nan", {Gate::check}, kInvalid, {"want nan", "want -nan"}},
    {"attack_skips_zero_blocks", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_gate_scale_for_up", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_first_group_scale", {Gate::check}, kInvalid, {"wrong"}},
    {"attack_data_race", {Gate::check}, kInvalid, {"wrong", "other bits"}},
    {"attack_changes_bits", {Gate::check}, kInvalid, {"other bits"}},
    {"attack_one_element", {Gate::race}, kInvalid, {"where the sides differ most"}},
    // memory
    {"attack_reads_past_codes", {Gate::check}, kError, {"SIGSEGV"}},
    {"attack_reads_past_scales", {Gate::check}, kError, {"SIGSEGV"}},
    {"attack_writes_before_output", {Gate::check}, kInvalid, {"outside the result"}},
    {"attack_writes_behind_output", {Gate::check}, kInvalid, {"outside the result"}},
    {"attack_writes_activations", {Gate::check}, kError, {"SIGSEGV"}},
    {"attack_unprotects_activations", {Gate::check}, kError, {"SIGSEGV"}},
    {"attack_unprotects_weights", {Gate::admit, Gate::check}, kError, {"SIGSEGV"}},
    // clock and threads
    {"attack_unjoined_thread", {Gate::check}, kInvalid, {"unwritten"}},
    {"attack_background_call", {Gate::check}, kInvalid, {"unwritten"}},
    {"attack_forged_answer", {Gate::check}, kInvalid, {"unwritten", "more often than it was asked"}},
    {"attack_writes_descriptors", {Gate::check}, kEither, {"no message", "unwritten"}},
    {"attack_burns_between_calls", {Gate::check, Gate::finish}, kInvalid, {"between calls"}},
    {"attack_sleeps_in_warm_up", {Gate::finish}, kInvalid, {"sleeps in warm-up"}},
    // processes
    {"attack_forks", {Gate::check}, kInvalid, {"SIGSYS"}},
    {"attack_daemon", {Gate::check}, kInvalid, {"SIGSYS"}},
    {"attack_executes", {Gate::check}, kInvalid, {"SIGSYS"}},
    {"attack_raises_priority", {Gate::admit, Gate::check}, kInvalid, {"SIGSYS"}},
    {"attack_signals_arbiter", {Gate::check}, kInvalid, {"SIGSYS"}},
    {"attack_kills_rival", {Gate::race}, kInvalid, {"SIGSYS"}},
    {"attack_slows_rival", {Gate::race}, kInvalid, {"SIGSYS"}},
    {"attack_reads_rival", {Gate::race}, kInvalid, {"SIGSYS"}},
    {"attack_hangs", {Gate::check}, kError, {"did not answer within"}},
    {"attack_crashes", {Gate::check}, kError, {"SIGSEGV"}},
    {"attack_exits_zero", {Gate::check}, kError, {"exit status 0"}},
    {"attack_exits_on_load", {Gate::admit}, kError, {"exit status 0"}},
    {"attack_throws", {Gate::check}, kError, {"thrown by the zoo"}},
    {"attack_reports_failure", {Gate::check}, kError, {"returned 1"}},
    {"attack_prepare_refuses", {Gate::admit, Gate::check}, kError, {"no problem is good enough"}},
    {"attack_other_abi", {Gate::admit}, kError, {"ABI 2"}},
    {"attack_missing_entry", {Gate::admit}, kError, {"thresher_candidate_prepare"}},
};

const char* const kControls[] = {"honest_plain",        "honest_reordered", "honest_openmp", "honest_threads",
                                 "honest_packed",       "honest_scratch",   "honest_lazy",   "honest_c",
                                 "honest_fp32_weights", "honest_engine"};

// They give right answers, and would gain time or change inputs if the arbiter let them. The former sleep where it
// does, the latter then give wrong answers.
const char* const kPrevented[] = {"prevented_content_cache", "prevented_copies_rival", "prevented_reads_arbiter",
                                  "prevented_reopens_memory"};

// What a prevented library sleeps where it succeeds; what it computes takes milliseconds.
constexpr double kGainShowsSeconds = 1.0;

// Counts over the tests that ran, printed in one line at the end.
class Tally : public testing::Environment {
 public:
  int attacks = 0;
  int caught = 0;
  int controls = 0;
  int accepted = 0;

  void TearDown() override {
    if (attacks + controls == 0) return;
    std::cout << "zoo: " << caught << " of " << attacks << " caught, " << accepted << " of " << controls
              << " controls accepted\n";
  }
};

// GoogleTest owns it.
Tally& tally = *static_cast<Tally*>(testing::AddGlobalTestEnvironment(new Tally));

CpuExecutorOptions options(const CpuChecks& checks = {}) {
  CpuExecutorOptions options;
  options.program = THRESHER_BINARY;
  // Ceilings beyond any machine: only tests of the floor want calls that are too fast.
  options.ceilings = thresher::device::Ceilings{};
  options.ceilings->threads = 2;
  options.ceilings->read_bytes_per_second = 1e15;
  for (const thresher::Isa isa :
       {thresher::Isa::portable, thresher::Isa::avx2, thresher::Isa::avx512, thresher::Isa::amx})
    options.ceilings->flops_per_second[isa] = 1e18;
  options.least_timeout_seconds = 3.0;
  // Every recipe once.
  options.check_problems = 6;
  options.checks = checks;
  return options;
}

std::filesystem::path library(const std::string& name) {
  return std::filesystem::path(ZOO_LIBRARIES) / (name + ".so");
}

Ruling rule_on(const std::string& name, const CpuChecks& checks = {}) {
  CpuExecutor executor(options(checks));
  return zoo::run_round(executor, library(name));
}

std::string told(const Ruling& ruling) {
  if (!ruling.stopped_by) return "accepted";
  return std::string(to_string(*ruling.stopped_by)) + ", " + to_string(ruling.failure.kind) + ": " +
         ruling.failure.reason;
}

class ZooAttack : public testing::TestWithParam<Attack> {};

TEST_P(ZooAttack, IsStoppedForWhatIsWrong) {
  const Attack& attack = GetParam();
  ++tally.attacks;
  const Ruling ruling = rule_on(attack.name);
  RecordProperty("ruling", told(ruling));
  ASSERT_TRUE(ruling.stopped_by) << attack.name << " got through";
  ++tally.caught;
  EXPECT_TRUE(attack.gates.contains(*ruling.stopped_by)) << told(ruling);
  EXPECT_TRUE(attack.kinds.contains(ruling.failure.kind)) << told(ruling);
  EXPECT_TRUE(std::any_of(attack.reasons.begin(), attack.reasons.end(), [&ruling](const char* reason) {
    return ruling.failure.reason.find(reason) != std::string::npos;
  })) << told(ruling);
}

class ZooControl : public testing::TestWithParam<const char*> {};

TEST_P(ZooControl, IsAccepted) {
  ++tally.controls;
  const Ruling ruling = rule_on(GetParam());
  ASSERT_FALSE(ruling.stopped_by) << told(ruling);
  EXPECT_GT(ruling.timed_calls, 0);
  ++tally.accepted;
}

class ZooPrevented : public testing::TestWithParam<const char*> {};

TEST_P(ZooPrevented, GainsNothing) {
  const Ruling ruling = rule_on(GetParam());
  ASSERT_FALSE(ruling.stopped_by) << told(ruling);
  EXPECT_GT(ruling.timed_calls, 0);
  EXPECT_LT(ruling.longest_seconds, kGainShowsSeconds) << "it found what it looked for";
}

// A check that is switched off, and an attack that then gets through: the check is not there for show.
struct MissingCheck {
  const char* check;
  CpuChecks checks;
  const char* attack;
};

void PrintTo(const MissingCheck& missing, std::ostream* out) {
  *out << missing.check;
}

CpuChecks without(std::initializer_list<bool CpuChecks::*> off) {
  CpuChecks checks;
  for (bool CpuChecks::*each : off)
    checks.*each = false;
  return checks;
}

// NOTE: `inputs` has no line: sealed memory can't be written, so that check is a second lock behind the kernel's.
const MissingCheck kMissing[] = {
    {"all_comparisons",
     without({&CpuChecks::unwritten, &CpuChecks::reference, &CpuChecks::other_side, &CpuChecks::repeats}),
     "attack_writes_nothing"},
    {"reference", without({&CpuChecks::reference, &CpuChecks::other_side}), "attack_constant"},
    {"other_side", without({&CpuChecks::other_side}), "attack_one_element"},
    {"fences", without({&CpuChecks::fences}), "attack_writes_behind_output"},
    {"repeats", without({&CpuChecks::repeats}), "attack_changes_bits"},
    {"near_duplicates", without({&CpuChecks::near_duplicates}), "attack_fingerprint_cache"},
    {"quiet", without({&CpuChecks::quiet}), "attack_burns_between_calls"},
};

class ZooMissingCheck : public testing::TestWithParam<MissingCheck> {};

TEST_P(ZooMissingCheck, LetsAnAttackThrough) {
  const Ruling ruling = rule_on(GetParam().attack, GetParam().checks);
  EXPECT_FALSE(ruling.stopped_by) << told(ruling);
}

TEST(Zoo, CallsBelowTheFloorAreImpossible) {
  // No library can be faster than physics while the arbiter has the clock, so physics is made slow instead.
  CpuExecutorOptions slow = options();
  slow.ceilings->read_bytes_per_second = 1e3;
  CpuExecutor executor(slow);
  const Ruling ruling = zoo::run_round(executor, library("honest_plain"));
  ASSERT_TRUE(ruling.stopped_by);
  EXPECT_EQ(ruling.failure.kind, FailureKind::impossible) << told(ruling);
}

TEST(Zoo, TestsEveryLibraryThatIsBuilt) {
  std::set<std::string> tested(std::begin(kControls), std::end(kControls));
  tested.insert(std::begin(kPrevented), std::end(kPrevented));
  for (const Attack& attack : kAttacks)
    tested.insert(attack.name);
  std::set<std::string> built;
  std::istringstream names(ZOO_NAMES);
  for (std::string name; names >> name;)
    built.insert(name);
  EXPECT_EQ(tested, built);
}

template <class Param>
std::string name_of(const testing::TestParamInfo<Param>& info) {
  return testing::PrintToString(info.param);
}

std::string plain_name(const testing::TestParamInfo<const char*>& info) {
  return info.param;
}

INSTANTIATE_TEST_SUITE_P(Zoo, ZooControl, testing::ValuesIn(kControls), plain_name);
INSTANTIATE_TEST_SUITE_P(Zoo, ZooPrevented, testing::ValuesIn(kPrevented), plain_name);
INSTANTIATE_TEST_SUITE_P(Zoo, ZooAttack, testing::ValuesIn(kAttacks), name_of<Attack>);
INSTANTIATE_TEST_SUITE_P(Zoo, ZooMissingCheck, testing::ValuesIn(kMissing), name_of<MissingCheck>);

}  // namespace
