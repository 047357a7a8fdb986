// Every fact moves with its knob, and the compiled ones agree with what calls count.
#include "measure/observables.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "measure/cpu_executor.hpp"
#include "small_cases.hpp"
#include "thresher/engine.hpp"

namespace thresher::measure {
namespace {

// `knobs` over `base`, each knob once.
std::string with(const std::string& base, const std::string& knobs) {
  std::map<std::string, std::string> values;
  std::istringstream all(base + "," + knobs);
  for (std::string knob; std::getline(all, knob, ',');)
    values[knob.substr(0, knob.find('='))] = knob;
  std::string text;
  for (const auto& [name, knob] : values)
    text += (text.empty() ? "" : ",") + knob;
  return text;
}

class Facts : public testing::Test {
 protected:
  static CpuExecutor& executor() {
    static CpuExecutor one(quick_options());
    return one;
  }
  static double fact(const std::string& name, const std::string& knobs, const catalog::Case& one, bool run = false) {
    const CaseObservables facts = executor().observe(config(knobs), one, run);
    const auto value = facts.find(name);
    EXPECT_TRUE(value) << name << " is missing for " << knobs;
    return value.value_or(-1.0);
  }
  static const catalog::Case& usual() {
    static const catalog::Case one = small_case("usual", {100, 40, 0}, 256, 512);
    return one;
  }
  inline static const std::string kBase =
      "isa=portable,block_m=64,block_n=64,block_k=128,dequant_stages=1,prefetch_distance=0,threads=2";
};

TEST(ObservableCatalogue, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const ObservableInfo& info : observable_catalogue()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(find_observable(info.name), &info);
    EXPECT_FALSE(info.meaning.empty());
  }
  EXPECT_EQ(find_observable("no_such_fact"), nullptr);
}

TEST_F(Facts, AnObservedConfigHasEveryFactOfTheCatalogue) {
  const CaseObservables compiled = executor().observe(config(kBase), usual(), false);
  const CaseObservables measured = executor().observe(config(kBase), usual(), true);
  for (const ObservableInfo& info : observable_catalogue()) {
    EXPECT_EQ(compiled.find(info.name).has_value(), info.source == EvidenceSource::compiled) << info.name;
    EXPECT_TRUE(measured.find(info.name)) << info.name;
  }
  EXPECT_EQ(measured.values.size(), observable_catalogue().size()) << "a fact without an entry, or twice";
}

// A fact, a knob that changes, and by which factor the fact must follow (0: it must differ).
struct Move {
  const char* fact;
  const char* knob;
  double factor;
};

TEST_F(Facts, CompiledFactsMoveWithTheirKnobs) {
  const Move moves[] = {{"panel_buffer_bytes", "block_k=256", 2},
                        {"panel_buffers", "dequant_stages=3", 3},
                        {"buffer_share_of_l1", "dequant_stages=2", 2},
                        {"token_block_bytes", "block_k=256", 2},
                        {"token_share_of_l2", "block_k=256", 2},
                        {"accumulators_per_task", "block_n=128", 2},
                        {"workspace_bytes", "dequant_stages=4", 0},
                        {"weight_bytes_read", "block_m=128", 2.0 / 3},
                        {"weight_passes", "block_m=128", 2.0 / 3},
                        {"tokens_per_task", "block_m=128", 1.5},
                        {"k_blocks", "block_k=256", 0.5},
                        {"tasks", "block_n=128", 0.5},
                        {"waves", "threads=1", 2},
                        {"tail_utilisation", "threads=5", 0},
                        {"utilisation", "threads=5", 0},
                        {"computing_threads", "roles=specialised,dequant_stages=2", 0.5},
                        {"padding_fraction", "block_m=16", 1}};
  for (const Move& move : moves) {
    const double before = fact(move.fact, kBase, usual());
    const double after = fact(move.fact, with(kBase, move.knob), usual());
    if (move.factor == 0) {
      EXPECT_NE(after, before) << move.fact << " with " << move.knob;
    } else {
      EXPECT_DOUBLE_EQ(after, move.factor * before) << move.fact << " with " << move.knob;
    }
  }
  EXPECT_EQ(fact("bytes_in_flight", kBase, usual()), 0);
  EXPECT_EQ(fact("bytes_in_flight", with(kBase, "prefetch_distance=1024"), usual()), 2048);
  EXPECT_EQ(fact("store_bytes_past_cache", kBase, usual()), 0);
}

TEST_F(Facts, CompiledFactsMoveWithTheProblem) {
  const catalog::Case wide = small_case("wide", {100, 40, 0}, 512, 512);
  const catalog::Case padded = small_case("padded", {97, 33}, 250, 496);
  for (const char* name : {"weight_bytes", "scale_bytes", "weight_bytes_read", "tasks"}) {
    EXPECT_DOUBLE_EQ(fact(name, kBase, wide), 2 * fact(name, kBase, usual())) << name;
  }
  EXPECT_DOUBLE_EQ(fact("bytes_per_element", kBase, usual()), 0.5625);
  EXPECT_GT(fact("bytes_per_element", kBase, padded), 0.5625);
  // 100 rows are blocks of 64 and 36, 40 rows one of 40: 64 + 48 + 48 rows of sums for 140.
  EXPECT_DOUBLE_EQ(fact("padding_fraction", kBase, usual()), 20.0 / 140);
  EXPECT_GT(fact("arithmetic_intensity", kBase, wide), fact("arithmetic_intensity", kBase, usual()));
}

TEST_F(Facts, TheFloorAndItsBoundFollowTheCeilings) {
  CpuExecutorOptions options = quick_options();
  options.ceilings->flops_per_second = {{Isa::portable, 1e6}};
  CpuExecutor slow(options);
  const CaseObservables facts = slow.observe(config(kBase), usual(), false);
  EXPECT_EQ(facts.find("compute_bound"), 1.0);
  EXPECT_NEAR(*facts.find("floor_us"), 2.0 * 2 * 140 * 256 * 512, 1.0);
  EXPECT_EQ(fact("compute_bound", kBase, usual()), 0.0);
}

TEST_F(Facts, MeasuredFactsMoveWithTheirKnobsAndAgreeWithTheCompiledOnes) {
  EXPECT_EQ(fact("tasks_run", kBase, usual(), true), fact("tasks", kBase, usual()));
  EXPECT_EQ(fact("token_blocks", kBase, usual(), true), 3);
  EXPECT_EQ(fact("token_blocks", with(kBase, "block_m=128"), usual(), true), 2);
  EXPECT_EQ(fact("threads_used", kBase, usual(), true), 2);
  EXPECT_EQ(fact("threads_used", with(kBase, "threads=1"), usual(), true), 1);
  const double panels = fact("panels_dequantised", kBase, usual(), true);
  EXPECT_EQ(fact("panels_dequantised", with(kBase, "block_k=256"), usual(), true), panels / 2);
  EXPECT_EQ(fact("panels_ahead", kBase, usual(), true), 0);
  EXPECT_GT(fact("panels_ahead", with(kBase, "dequant_stages=2"), usual(), true), 0);
  EXPECT_EQ(fact("panels_handed_over", kBase, usual(), true), 0);
  EXPECT_GT(fact("panels_handed_over", with(kBase, "dequant_stages=2,roles=specialised"), usual(), true), 0);
  EXPECT_EQ(fact("lines_prefetched", kBase, usual(), true), 0);
  EXPECT_GT(fact("call_us", kBase, usual(), true), 1.0);
  EXPECT_GT(fact("floor_fraction", kBase, usual(), true), 0.0);
}

TEST_F(Facts, StoresPastTheCacheAreThoseThatTheCallCounts) {
  std::string vectors;
  for (const IsaStatus& status : cpu_isas()) {
    if (status.usable && status.isa != Isa::portable) vectors = to_string(status.isa);
  }
  if (vectors.empty()) GTEST_SKIP() << "needs AVX2: the portable kernels have no such stores";
  const std::string knobs = with(kBase, "store=streaming,isa=" + vectors);
  EXPECT_EQ(fact("store_bytes_past_cache", knobs, usual()), 140.0 * 256 * 2);
  EXPECT_EQ(fact("lines_streamed", knobs, usual(), true) * 64, 140.0 * 256 * 2);
  EXPECT_GT(fact("lines_prefetched", with(kBase, "prefetch_distance=1024,isa=" + vectors), usual(), true), 0);
}

TEST_F(Facts, AConfigThatCannotRunHasNone) {
  EXPECT_TRUE(executor().observe(config("roles=specialised,threads=1,dequant_stages=2"), usual(), true).values.empty());
}

}  // namespace
}  // namespace thresher::measure
