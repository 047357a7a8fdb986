// The risk shark: what could go wrong, how much with it, and how soon anybody would know.
//
// Background. The seed asks what could go wrong, and whether an idea can be tested without being built in full.
// Approach. Blast radius (knobs touched, or a library), risks named with a mitigation, the gates of the test plan in
// the order of their cost, and the width of the predictions: one that leaves no room for error is overconfident, one
// that allows everything says nothing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tank/builtin_sharks.hpp"
#include "tank/shark_facts.hpp"

namespace thresher::tank {
namespace {

// Widths of an 80 % interval, in logs: opinions. Who leaves less room than the first has not seen two runs differ; the
// second spans "no change" and "a third faster", which almost any idea meets.
constexpr double kNarrow = 0.02;
constexpr double kWide = 0.30;

enum class Width { unknown, narrow, fair, wide };

struct Plan {
  int steps = 0;
  bool config = false;
  bool observable = false;
  bool correctness = false;
  bool short_race = false;
  bool full_race = false;
  bool ordered = true;  // cheapest first

  [[nodiscard]] int gates() const { return config + observable + correctness + short_race + full_race; }
};

Plan plan_of(const Pitch& pitch) {
  Plan plan{.steps = static_cast<int>(pitch.test_plan.size())};
  plan.config = plan_count(pitch, TestStepKind::config) > 0;
  plan.observable = plan_count(pitch, TestStepKind::observable) > 0;
  plan.correctness = plan_count(pitch, TestStepKind::correctness) > 0;
  plan.short_race = plan_count(pitch, TestStepKind::short_race) > 0;
  plan.full_race = plan_count(pitch, TestStepKind::full_race) > 0;
  // The kinds are declared in the order of their cost.
  plan.ordered = std::is_sorted(pitch.test_plan.begin(), pitch.test_plan.end(),
                                [](const TestStep& left, const TestStep& right) { return left.kind < right.kind; });
  return plan;
}

struct Exposure {
  std::size_t knobs = 0;
  bool library = false;
  std::size_t risks = 0;
  std::size_t mitigated = 0;
  int predicted = 0;
  std::size_t cases = 0;
  Width width = Width::unknown;
  double log_width = 0.0;
};

Exposure exposure_of(const Brief& brief, const std::vector<CaseView>& views) {
  const Pitch& pitch = *brief.pitch;
  Exposure exposure{.knobs = pitch.change.patch.fields.size(),
                    .library = pitch.change.library.has_value(),
                    .risks = pitch.risks.size(),
                    .cases = views.size()};
  exposure.mitigated = static_cast<std::size_t>(
      std::count_if(pitch.risks.begin(), pitch.risks.end(), [](const Risk& risk) { return !risk.mitigation.empty(); }));
  for (const CaseView& view : views) {
    if (view.prediction == nullptr) continue;
    ++exposure.predicted;
    exposure.log_width += std::log(view.prediction->high / view.prediction->low);
  }
  if (exposure.predicted == 0) return exposure;
  exposure.log_width /= exposure.predicted;
  exposure.width = exposure.log_width < kNarrow ? Width::narrow
                   : exposure.log_width > kWide ? Width::wide
                                                : Width::fair;
  return exposure;
}

std::string width_text(const Exposure& exposure) {
  const double percent = 100.0 * std::expm1(exposure.log_width);
  switch (exposure.width) {
    case Width::unknown:
      return "no case is predicted";
    case Width::narrow:
      return fmt::format("predictions are {:.1f} % wide, less than the {:.1f} % that anybody can know: overconfident",
                         percent, 100.0 * std::expm1(kNarrow));
    case Width::wide:
      return fmt::format("predictions are {:.0f} % wide and so rule out little", percent);
    case Width::fair:
      return fmt::format("predictions are {:.1f} % wide", percent);
  }
  return {};
}

std::string blast_text(const Exposure& exposure) {
  if (exposure.library) return "a library replaces the whole kernel";
  return fmt::format("{} knobs change", exposure.knobs);
}

// In points of ten: one knob is the least that a pitch can touch.
double blast(const Exposure& exposure) {
  if (exposure.library) return 5.0;
  return 1.5 * static_cast<double>(std::max<std::size_t>(1, exposure.knobs) - 1);
}

Judgement judge_gain(const std::vector<CaseView>& views, const Exposure& exposure) {
  const Claim claim = claim_of(views);
  const double scale = std::max(0.01, log_headroom(views).value_or(std::log(2.0)));
  // Halfway between the middle and the low end: a gain counts for what is left of it when things go badly.
  const double sober = (claim.low + claim.middle) / 2.0;
  return {.score = 10.0 * std::sqrt(std::clamp(sober / scale, 0.0, 1.0)),
          .reason = fmt::format("promises {} to {} over {} of {} cases; soberly {}", speed_up_text(claim.low),
                                speed_up_text(claim.high), exposure.predicted, exposure.cases, speed_up_text(sober))};
}

Judgement judge_soundness(const Brief& brief, const Exposure& exposure) {
  double score = 3.0;
  if (!brief.pitch->mechanism.empty()) score += 1.0;
  if (brief.pitch->mechanism_observable) score += 3.0;
  if (exposure.width == Width::fair) score += 2.0;
  if (exposure.width == Width::narrow || exposure.width == Width::unknown) score -= 2.0;
  const std::string shown = brief.pitch->mechanism_observable ? brief.pitch->mechanism_observable->observable : "";
  return {.score = score,
          .reason = fmt::format(
              "{}; {}", width_text(exposure),
              shown.empty() ? "no observable would show the mechanism" : "its mechanism would show in " + shown)};
}

Judgement judge_feasibility(const Exposure& exposure) {
  return {.score = 9.0 - blast(exposure), .reason = blast_text(exposure)};
}

Judgement judge_specific(const Brief& brief) {
  const auto& shown = brief.pitch->mechanism_observable;
  const int about = shown ? holding_about(brief, {shown->observable}) : 0;
  return judge_specificity(brief, shown ? "its own mechanism" : "a mechanism, which names no observable", about);
}

Judgement judge_risk(const Exposure& exposure, const Plan& plan) {
  const double named = 2.0 * static_cast<double>(std::min<std::size_t>(3, exposure.mitigated));
  const double unmitigated = 0.5 * static_cast<double>(std::min<std::size_t>(4, exposure.risks - exposure.mitigated));
  const double early = plan.short_race ? 2.0 : 0.0;
  const double all = exposure.predicted == static_cast<int>(exposure.cases) && exposure.cases > 0 ? 2.0 : 0.0;
  const double score = exposure.risks == 0 ? 0.0 : named + unmitigated + early + all - blast(exposure) / 2.0;
  return {.score = score,
          .reason = fmt::format("{} risks named, {} with a mitigation; {}; {} of {} cases predicted", exposure.risks,
                                exposure.mitigated, blast_text(exposure), exposure.predicted, exposure.cases)};
}

Judgement judge_testing(const Plan& plan) {
  if (plan.steps == 0) return {.score = 0.0, .reason = "no test plan: 0 of 5 gates"};
  std::string missing;
  const auto note = [&](bool present, const char* name) {
    if (!present) missing += std::string(missing.empty() ? " without " : ", ") + name;
  };
  note(plan.config, "config");
  note(plan.observable, "observable");
  note(plan.correctness, "correctness");
  note(plan.short_race, "short_race");
  note(plan.full_race, "full_race");
  return {.score = 2.0 * plan.gates() - (plan.ordered ? 0.0 : 3.0),
          .reason = fmt::format("{} of 5 gates{}, {}", plan.gates(), missing,
                                plan.ordered ? "cheapest first" : "not in the order of their cost")};
}

Forecast judge_forecast(const Brief& brief, const std::vector<CaseView>& views, const Exposure& exposure) {
  Belief belief = starting_belief(brief, views);
  belief.odds /= 1.0 + blast(exposure) / 5.0;
  if (exposure.width == Width::narrow) belief.odds /= 1.5;
  if (exposure.width == Width::unknown) belief.odds /= 4.0;
  if (exposure.risks == 0) belief.odds /= 1.5;
  if (brief.pitch->mechanism_observable && judge_specific(brief).score > 5.0) belief.odds *= 1.5;
  // Whoever is surer than a race can be gets the spread of a race, and half as much again for every risk left open.
  const auto open = static_cast<double>(exposure.risks - exposure.mitigated);
  belief.spread = std::max(belief.spread, kNarrow) * (1.0 + 0.5 * std::min(2.0, open));
  return forecast_of(belief);
}

class RiskShark final : public Shark {
 public:
  [[nodiscard]] std::string name() const override { return "risk"; }
  [[nodiscard]] std::string looks_at() const override {
    return "Blast radius, risks with mitigations, the gates of the test plan, and the width of the predictions.";
  }
  [[nodiscard]] Assessment assess(const Brief& brief) const override {
    const std::vector<CaseView> views = views_of(brief);
    const Exposure exposure = exposure_of(brief, views);
    const Plan plan = plan_of(*brief.pitch);
    const Opinion opinion{.gain = judge_gain(views, exposure),
                          .soundness = judge_soundness(brief, exposure),
                          .feasibility = judge_feasibility(exposure),
                          .specificity = judge_specific(brief),
                          .risk = judge_risk(exposure, plan),
                          .testing = judge_testing(plan)};
    std::vector<std::string> remarks{blast_text(exposure) + "; " + width_text(exposure)};
    return assess_as(name(), brief, opinion, judge_forecast(brief, views, exposure), std::move(remarks));
  }
};

}  // namespace

std::unique_ptr<Shark> risk_shark() {
  return std::make_unique<RiskShark>();
}

}  // namespace thresher::tank
