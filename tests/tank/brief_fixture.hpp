// A brief made by hand: two cases of the seed's shapes on a small CPU, and a pitch with nothing wrong.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tank/panel.hpp"

namespace thresher::tank {

inline measure::CaseObservables observed(const std::string& case_name, std::vector<measure::Observable> values) {
  return {.case_name = case_name, .config = "block_m=128", .values = std::move(values)};
}

/// Sets an observable, or adds it.
inline void set(measure::CaseObservables& facts, const std::string& name, double value) {
  for (measure::Observable& one : facts.values) {
    if (one.name != name) continue;
    one.value = value;
    return;
  }
  facts.values.push_back({.name = name, .value = value});
}

/// Rules of rounds 1 and 2: the same six criteria, with the seed's shifts and discounts in the second.
inline Rules rules_of_round(int round) {
  Rules rules;
  rules.name = round == 1 ? "round-1" : "round-2";
  const bool second = round == 2;
  rules.criteria = {{.name = "expected_gain", .base = 40.0},
                    {.name = "soundness", .base = 25.0},
                    {.name = "feasibility", .base = 20.0},
                    {.name = "kernel_specific_analysis", .base = 5.0, .adjustment = second ? 10.0 : 0.0},
                    {.name = "risk_assessment", .base = 5.0, .adjustment = second ? 5.0 : 0.0},
                    {.name = "incremental_testing", .base = 5.0, .adjustment = second ? 5.0 : 0.0}};
  double sum = 0.0;
  for (const Criterion& one : rules.criteria) {
    sum += one.raw();
  }
  for (Criterion& one : rules.criteria) {
    one.normalised = one.raw() / sum;
  }
  if (second) {
    rules.evidence_criteria = {"expected_gain", "soundness", "kernel_specific_analysis"};
    rules.generic_discount = 0.25;
    rules.require_kernel_specific = true;
    rules.require_history = true;
    rules.require_answers = true;
  }
  return rules;
}

inline Lesson seed_lesson() {
  Lesson lesson;
  lesson.id = "01-pipeline-stages/pipeline-stages";
  lesson.round = "01-pipeline-stages";
  lesson.pitch = "pipeline-stages";
  lesson.category = Category::pipeline_stages;
  lesson.change = "num_ab_stage=3";
  lesson.verdict = Verdict::loss;
  lesson.measured = "24 to 46 % slower";
  lesson.text = "More stages are more buffers.";
  lesson.retry = "Show that panels are in flight ahead of their use.";
  lesson.retry_observables = {"panels_ahead"};
  lesson.recorded = true;
  return lesson;
}

/// Owns what a Brief refers to. Change any member, then ask for brief().
struct BriefFixture {
  Pitch pitch;
  Rules rules = rules_of_round(2);
  measure::DeviceFacts device;
  std::vector<CaseFacts> cases;
  std::vector<measure::CaseObservables> candidate;
  std::vector<Lesson> history{seed_lesson()};
  std::vector<Lesson> binding;
  std::vector<AnswerCheck> answers;
  std::vector<ClaimCheck> evidence;
  std::optional<TrackRecord> contestant;

  BriefFixture() {
    device.kind = "cpu-amx";  // where padding is computed
    device.threads = 2;
    device.l1d_bytes = 32 << 10;
    device.l2_bytes = 512 << 10;
    device.l3_bytes = 32 << 20;
    device.ceilings.read_bytes_per_second = 34e9;
    device.ceilings.flops_per_second[Isa::avx2] = 196e9;
    add_case("g2-k4096", {192, 320}, 3072, 4096, 0.131, 0.262);
    add_case("g2-k1536", {128, 384}, 4096, 1536, 0.066, 0.132);
    make_pitch();
  }

  void add_case(const std::string& name, std::vector<std::int64_t> m, std::int64_t n, std::int64_t k, double floor,
                double baseline) {
    CaseFacts facts;
    facts.one.name = name;
    facts.one.problem.m = std::move(m);
    facts.one.problem.n = n;
    facts.one.problem.k = k;
    facts.floor_seconds = floor;
    facts.baseline_seconds = baseline;
    facts.baseline = observed(name, {{"tasks", 96.0},
                                     {"waves", 48.0},
                                     {"utilisation", 1.0},
                                     {"computing_threads", 2.0},
                                     {"tokens_per_task", 64.0},
                                     {"padding_fraction", 0.2},
                                     {"panels_dequantised", 4096.0},
                                     {"panels_ahead", 0.0},
                                     {"panel_buffer_bytes", 16384.0},
                                     {"panel_buffers", 1.0},
                                     {"accumulators_per_task", 8192.0},
                                     {"token_block_bytes", 65536.0},
                                     {"workspace_bytes", 1048576.0}});
    candidate.push_back(facts.baseline);
    cases.push_back(std::move(facts));
  }

  [[nodiscard]] Brief brief() const {
    return {.pitch = &pitch,
            .rules = &rules,
            .device = &device,
            .cases = cases,
            .candidate = candidate,
            .history = history,
            .binding = binding,
            .answers = answers,
            .evidence = evidence,
            .contestant = contestant};
  }

  void predict(double low, double high) {
    pitch.predictions.clear();
    for (const CaseFacts& facts : cases) {
      pitch.predictions.push_back({.case_name = facts.one.name, .low = low, .high = high});
    }
  }

  /// Adds an item, and what looking it up gave.
  void add_evidence(EvidenceKind kind, const std::string& criterion, bool holds) {
    EvidenceItem item{.kind = kind, .text = "an item", .criterion = criterion, .claim = {}};
    if (kind == EvidenceKind::kernel_specific) {
      item.claim = ObservableClaim{
          .observable = "padding_fraction", .relation = Relation::decreases, .value = {}, .case_name = {}};
    }
    pitch.evidence.push_back(item);
    evidence.push_back({.holds = holds, .finding = "looked up"});
  }

  void drop_evidence() {
    pitch.evidence.clear();
    evidence.clear();
  }

  /// Every item from books, as in round 1.
  void make_generic() {
    drop_evidence();
    for (const Criterion& one : rules.criteria) {
      add_evidence(EvidenceKind::generic, one.name, false);
    }
  }

  void observe(const std::string& name, double value) {
    for (measure::CaseObservables& one : candidate) {
      set(one, name, value);
    }
  }

 private:
  void make_pitch() {
    const ObservableClaim padding{
        .observable = "padding_fraction", .relation = Relation::decreases, .value = {}, .case_name = {}};
    pitch.id = "tiles";
    pitch.contestant = "Tile Size";
    pitch.category = Category::tile_size;
    pitch.title = "Token blocks that fit the groups";
    pitch.mechanism = "Less padding is less work.";
    pitch.mechanism_observable = padding;
    pitch.change.patch.fields = {{"block_m", "64"}};
    predict(1.05, 1.20);
    for (const char* criterion : {"expected_gain", "soundness", "kernel_specific_analysis"}) {
      add_evidence(EvidenceKind::kernel_specific, criterion, true);
    }
    pitch.risks = {{.text = "weights are read more often", .mitigation = "the short race is on the longest k"},
                   {.text = "more tasks cost more hand-outs", .mitigation = "tasks are counted first"}};
    pitch.test_plan = {{.kind = TestStepKind::config, .cases = {}, .claim = {}},
                       {.kind = TestStepKind::observable, .cases = {}, .claim = padding},
                       {.kind = TestStepKind::correctness, .cases = {}, .claim = {}},
                       {.kind = TestStepKind::short_race, .cases = {"g2-k1536"}, .claim = {}},
                       {.kind = TestStepKind::full_race, .cases = {}, .claim = {}}};
    observe("padding_fraction", 0.05);
    observe("tasks", 192.0);
    observe("waves", 96.0);
  }
};

inline bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The score and the reason that a built-in shark gives on a criterion.
inline CriterionScore given(const Assessment& assessment, const std::string& criterion) {
  for (const CriterionScore& one : assessment.scores) {
    if (one.criterion == criterion) return one;
  }
  return {.criterion = "missing", .score = -1.0, .reason = "missing"};
}

}  // namespace thresher::tank
