// The compiler shark: what the change costs in resources, before anything is timed.
//
// Background. The seed's three stages tripled shared memory, fewer blocks fitted on a processor, and the kernel lost 24
// to 46 %. On a CPU the same idea multiplies the buffers of dequantised panels, which then leave L1, and later L2.
// Approach. Compiled facts before and after, held against the caches of one core: all panel buffers of a thread against
// L1; buffers, accumulators and the tokens of a block against L2. What outgrows a level has a price, which the forecast
// contains.
// NOTE: the prices are opinions, not measurements: from L2 a panel is streamed with little loss, from beyond it is not.
// The ledger scores the forecasts that they lead to, which is how they may be found wrong.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tank/builtin_sharks.hpp"
#include "tank/shark_facts.hpp"

namespace thresher::tank {
namespace {

// In logs of time, for a working set of which nothing fits any more.
constexpr double kBeyondL1 = 0.06;
constexpr double kBeyondL2 = 0.25;

const std::vector<std::string_view> kResources{observable::kPanelBufferBytes, observable::kPanelBuffers,
                                               observable::kBufferShareOfL1,  observable::kTokenBlockBytes,
                                               observable::kTokenShareOfL2,   observable::kAccumulatorsPerTask,
                                               observable::kWorkspaceBytes};

// The part of a working set that a cache does not hold.
double outside(double bytes, double cache) {
  return bytes > cache && bytes > 0.0 ? 1.0 - cache / bytes : 0.0;
}

// Resources of one case before and after, and what the growth costs.
struct CaseCost {
  const CaseView* view = nullptr;
  bool known = false;
  bool leaves_l1 = false;  // fitted before, does not fit now
  bool leaves_l2 = false;
  double price = 0.0;   // log of time; negative where resources shrink
  double growth = 1.0;  // of the working set
  std::string text;
};

using Observables = measure::CaseObservables;

// All dequantised panels that a thread keeps: one for each stage.
std::optional<double> buffer_bytes(const Observables& facts) {
  const auto one = facts.find(observable::kPanelBufferBytes);
  const auto count = facts.find(observable::kPanelBuffers);
  if (!one || !count) return std::nullopt;
  return *one * *count;
}

// What a task comes back to again and again: buffers, its sums in fp32, and the tokens of its block.
std::optional<double> task_bytes(const Observables& facts) {
  const auto buffers = buffer_bytes(facts);
  const auto sums = facts.find(observable::kAccumulatorsPerTask);
  const auto tokens = facts.find(observable::kTokenBlockBytes);
  if (!buffers || !sums || !tokens) return std::nullopt;
  return *buffers + 4.0 * *sums + *tokens;
}

struct Level {
  const char* name;
  const char* what;
  double bytes;
  double price;
};

void add_cache(CaseCost& cost, const Level& level, std::optional<double> before, std::optional<double> after,
               bool& leaves) {
  if (!before || !after || level.bytes <= 0.0) return;
  cost.known = true;
  leaves = *before <= level.bytes && *after > level.bytes;
  cost.price += level.price * (outside(*after, level.bytes) - outside(*before, level.bytes));
  if (*before > 0.0) cost.growth = std::max(cost.growth, *after / *before);
  cost.text += fmt::format("{}{} {} -> {} of {} {}", cost.text.empty() ? "" : ", ", level.what, bytes_text(*before),
                           bytes_text(*after), level.name, bytes_text(level.bytes));
}

void add_workspace(CaseCost& cost) {
  const auto before = cost.view->before(observable::kWorkspaceBytes);
  const auto after = cost.view->after(observable::kWorkspaceBytes);
  if (!before || !after || *before <= 0.0) return;
  cost.growth = std::max(cost.growth, *after / *before);
  cost.text +=
      fmt::format("{}workspace {} -> {}", cost.text.empty() ? "" : ", ", bytes_text(*before), bytes_text(*after));
}

std::vector<CaseCost> costs_of(const Brief& brief, const std::vector<CaseView>& views) {
  const Level l1{"L1", "panel buffers", static_cast<double>(brief.device->l1d_bytes), kBeyondL1};
  const Level l2{"L2", "a task", static_cast<double>(brief.device->l2_bytes), kBeyondL2};
  std::vector<CaseCost> costs;
  for (const CaseView& view : views) {
    CaseCost cost;
    cost.view = &view;
    if (view.candidate != nullptr) {
      const Observables& before = view.facts->baseline;
      const Observables& after = *view.candidate;
      add_cache(cost, l1, buffer_bytes(before), buffer_bytes(after), cost.leaves_l1);
      add_cache(cost, l2, task_bytes(before), task_bytes(after), cost.leaves_l2);
      add_workspace(cost);
    }
    costs.push_back(cost);
  }
  return costs;
}

// The round's view of the costs: means over cases, and the case that says most.
struct Summary {
  double price = 0.0;
  int known = 0;
  int cases = 0;
  const CaseCost* worst = nullptr;
};

Summary summarise(const std::vector<CaseCost>& costs) {
  Summary summary{.cases = static_cast<int>(costs.size())};
  for (const CaseCost& one : costs) {
    if (!one.known) continue;
    ++summary.known;
    summary.price += one.price;
    if (summary.worst == nullptr || one.price > summary.worst->price) summary.worst = &one;
  }
  if (summary.known > 0) summary.price /= summary.known;
  return summary;
}

std::string evidence_text(const Summary& summary) {
  if (summary.worst == nullptr)
    return fmt::format("no resource was observed both before and after on any of {} cases", summary.cases);
  return fmt::format("{}: {}", summary.worst->view->name(), summary.worst->text);
}

const char* worst_step(const CaseCost& cost) {
  if (cost.leaves_l2) return "outgrows L2";
  if (cost.leaves_l1) return "outgrows L1";
  if (cost.price > 0.005) return "grows where it had already outgrown its cache";
  return cost.price < -0.005 ? "shrinks towards its cache" : "stays in the cache where it was";
}

Judgement judge_gain(const std::vector<CaseView>& views, const Summary& summary) {
  const double claimed = claim_of(views).middle;
  const double net = claimed - std::max(0.0, summary.price);
  // Twice as fast is a full score where nobody has timed the baseline.
  const double scale = log_headroom(views).value_or(std::log(2.0));
  const double share = scale > 0.0 ? std::clamp(net / scale, 0.0, 1.0) : 0.0;
  return {.score = 10.0 * std::sqrt(share),
          .reason = fmt::format("claimed {}, less {:.1f} % that the resources cost: {}", speed_up_text(claimed),
                                100.0 * std::expm1(std::max(0.0, summary.price)), speed_up_text(net))};
}

Judgement judge_soundness(const Summary& summary) {
  if (summary.worst == nullptr) {
    return {.score = 3.0, .reason = evidence_text(summary) + ", so the cost of the idea is unknown"};
  }
  const CaseCost& worst = *summary.worst;
  double score = 6.0;
  if (worst.leaves_l1) score = 3.0;
  if (worst.leaves_l2) score = 1.0;
  if (!worst.leaves_l1 && !worst.leaves_l2) score -= std::clamp(40.0 * summary.price, -3.0, 4.0);
  return {.score = score,
          .reason = fmt::format("the working set {} ({}), priced at {:+.1f} % of the time", worst_step(worst),
                                evidence_text(summary), 100.0 * std::expm1(summary.price))};
}

Judgement judge_feasibility(const Brief& brief, const std::vector<CaseView>& views) {
  const auto observed =
      std::count_if(views.begin(), views.end(), [](const CaseView& view) { return view.candidate != nullptr; });
  if (views.empty()) return {.score = 0.0, .reason = "no case to resolve the change on"};
  const double share = static_cast<double>(observed) / static_cast<double>(views.size());
  if (brief.pitch->change.library) {
    return {.score = 5.0 * share,
            .reason = fmt::format("a library: it loads on {} of {} cases, what it needs inside is not visible",
                                  observed, views.size())};
  }
  return {.score = 9.0 * share,
          .reason = fmt::format("a patch of {} knobs ({}) that resolves on {} of {} cases",
                                brief.pitch->change.patch.fields.size(), brief.pitch->change.patch.to_text(), observed,
                                views.size())};
}

Judgement judge_specific(const Brief& brief, const Summary& summary) {
  Judgement judgement = judge_specificity(brief, "resources", holding_about(brief, kResources));
  const bool gated = !brief.cases.empty() && brief.cases.front().one.problem.op == Op::gated;
  judgement.reason +=
      fmt::format("; {} accumulators an output ({} weight matrices), and a scale byte for 8 bytes of codes",
                  gated ? 2 : 1, gated ? 2 : 1);
  if (summary.worst != nullptr) judgement.reason += "; " + evidence_text(summary);
  return judgement;
}

Judgement judge_risk(const std::vector<CaseCost>& costs, const Summary& summary) {
  if (summary.worst == nullptr) return {.score = 3.0, .reason = evidence_text(summary)};
  double growth = 1.0;
  for (const CaseCost& one : costs) {
    growth = std::max(growth, one.growth);
  }
  return {.score = 9.0 / growth - (summary.worst->leaves_l2 ? 3.0 : 0.0),
          .reason = fmt::format("the working set grows to {:.2f} of what it was and {} on {}", growth,
                                worst_step(*summary.worst), summary.worst->view->name())};
}

Judgement judge_testing(const Brief& brief, const Summary& summary) {
  const bool config = plan_count(*brief.pitch, TestStepKind::config) > 0;
  const bool resource = plan_observes(*brief.pitch, kResources);
  const int observable = plan_count(*brief.pitch, TestStepKind::observable);
  return {.score = (config ? 4.0 : 0.0) + (observable > 0 ? 2.0 : 0.0) + (resource ? 3.0 : 0.0),
          .reason = fmt::format(
              "the plan has {} admission step, {} steps that look at an observable, {} at a resource; "
              "{} of {} cases show resources",
              config ? "an" : "no", observable, resource ? "one of them" : "none", summary.known, summary.cases)};
}

Forecast judge_forecast(const Brief& brief, const std::vector<CaseView>& views, const Summary& summary) {
  Belief belief = starting_belief(brief, views);
  if (summary.worst == nullptr) {
    belief.odds /= 2.0;
    return forecast_of(belief);
  }
  belief.works -= std::max(0.0, summary.price);
  belief.fails -= std::max(0.0, summary.price);
  if (belief.works <= 0.0) belief.odds /= 4.0;
  if (summary.worst->leaves_l2) belief.odds /= 4.0;
  if (summary.worst->leaves_l1) belief.odds /= 2.0;
  if (summary.price < -0.005) belief.odds *= 2.0;
  return forecast_of(belief);
}

class CompilerShark final : public Shark {
 public:
  [[nodiscard]] std::string name() const override { return "compiler"; }
  [[nodiscard]] std::string looks_at() const override {
    return "Resources before and after: panel buffers, accumulators and tokens against the caches of a core.";
  }
  [[nodiscard]] Assessment assess(const Brief& brief) const override {
    const std::vector<CaseView> views = views_of(brief);
    const std::vector<CaseCost> costs = costs_of(brief, views);
    const Summary summary = summarise(costs);
    const Opinion opinion{.gain = judge_gain(views, summary),
                          .soundness = judge_soundness(summary),
                          .feasibility = judge_feasibility(brief, views),
                          .specificity = judge_specific(brief, summary),
                          .risk = judge_risk(costs, summary),
                          .testing = judge_testing(brief, summary)};
    std::vector<std::string> remarks;
    for (const CaseCost& one : costs) {
      if (one.known) remarks.push_back(one.view->name() + ": " + one.text);
    }
    return assess_as(name(), brief, opinion, judge_forecast(brief, views, summary), std::move(remarks));
  }
};

}  // namespace

std::unique_ptr<Shark> compiler_shark() {
  return std::make_unique<CompilerShark>();
}

}  // namespace thresher::tank
