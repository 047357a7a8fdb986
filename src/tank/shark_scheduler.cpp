// The scheduler shark: tasks, waves, padding, and whether anything is really under way ahead of its use.
//
// Background. Ragged groups and few tasks leave places idle, and a pipeline only pays when work is really done ahead:
// the seed's template waited for each load in the loop that had issued it, so more stages put nothing more in flight.
// Approach. From places used, threads that multiply, tokens a task and padding follows what scheduling alone can give.
// For changes that promise overlap, the counted panels worked ahead decide. Where bytes under way are known they are
// held against Little's law.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "device/waves.hpp"
#include "tank/builtin_sharks.hpp"
#include "tank/shark_facts.hpp"

namespace thresher::tank {
namespace {

// Of a read from memory. Assumed, not measured: reasons that use it say so.
constexpr double kLatencySeconds = 100e-9;

const std::vector<std::string_view> kSchedule{observable::kTasks,
                                              observable::kWaves,
                                              observable::kTailUtilisation,
                                              observable::kUtilisation,
                                              observable::kPaddingFraction,
                                              observable::kComputingThreads,
                                              observable::kTokensPerTask,
                                              observable::kTokenBlocks,
                                              observable::kPanelsDequantised,
                                              observable::kPanelsAhead,
                                              observable::kPanelsHandedOver,
                                              observable::kBytesInFlight};

// What dequantising a weight costs, in multiplications of it with a token: measured for AVX2 on Zen 3 (results/), an
// opinion elsewhere. Every token block dequantises the weights anew.
constexpr double kDequantTokens = 4.0;

// How tasks fill the places of one case.
struct Fill {
  double tasks = 0.0;
  double waves = 0.0;
  double used = 1.0;     // places that have a task, over all waves
  double threads = 1.0;  // that multiply
  double padding = 0.0;  // extra rows over real rows
  double tokens = 0.0;   // rows of a mean task; 0: not known, and then nothing is said about dequantising

  // Useful multiplications in a unit of time.
  [[nodiscard]] double efficiency(bool padding_computes) const {
    const double rows = padding_computes ? 1.0 + padding : 1.0;
    const double dequantising = tokens > 0.0 ? kDequantTokens / tokens : 0.0;
    return used * threads / (rows + dequantising);
  }
};

std::optional<Fill> fill_of(const measure::CaseObservables& facts) {
  const auto tasks = facts.find(observable::kTasks);
  const auto waves = facts.find(observable::kWaves);
  const auto used = facts.find(observable::kUtilisation);
  if (!tasks || !waves || !used || *used <= 0.0) return std::nullopt;
  return Fill{.tasks = *tasks,
              .waves = *waves,
              .used = *used,
              .threads = std::max(1.0, facts.find(observable::kComputingThreads).value_or(1.0)),
              .padding = facts.find(observable::kPaddingFraction).value_or(0.0),
              .tokens = facts.find(observable::kTokensPerTask).value_or(0.0)};
}

struct CaseSchedule {
  const CaseView* view = nullptr;
  std::optional<Fill> before;
  std::optional<Fill> after;
  double effect = 0.0;  // log speed-up that scheduling alone explains
  std::optional<double> ahead_before;
  std::optional<double> ahead;  // share of panels worked ahead, counted
};

std::optional<double> share_ahead(const measure::CaseObservables& facts) {
  const auto ahead = facts.find(observable::kPanelsAhead);
  const auto all = facts.find(observable::kPanelsDequantised);
  if (!ahead || !all || *all <= 0.0) return ahead;
  return *ahead / *all;
}

std::vector<CaseSchedule> schedules_of(const Brief& brief, const std::vector<CaseView>& views) {
  // NOTE: tiles of 16 tokens are multiplied whole; the other kernels pad the sums only, and compute none of it.
  const bool padding_computes = brief.device->kind.find("amx") != std::string::npos;
  std::vector<CaseSchedule> schedules;
  for (const CaseView& view : views) {
    CaseSchedule one;
    one.view = &view;
    one.before = fill_of(view.facts->baseline);
    one.ahead_before = share_ahead(view.facts->baseline);
    if (view.candidate != nullptr) {
      one.after = fill_of(*view.candidate);
      one.ahead = share_ahead(*view.candidate);
    }
    if (one.before && one.after) {
      one.effect = std::log(one.after->efficiency(padding_computes) / one.before->efficiency(padding_computes));
    }
    schedules.push_back(one);
  }
  return schedules;
}

// Does the change promise that something happens ahead of its use?
bool promises_overlap(const Pitch& pitch) {
  if (pitch.category == Category::pipeline_stages || pitch.category == Category::warp_specialization) return true;
  const auto& fields = pitch.change.patch.fields;
  return std::any_of(fields.begin(), fields.end(), [](const auto& field) {
    return (field.first == "dequant_stages" && field.second != "1") ||
           (field.first == "roles" && field.second == "specialised");
  });
}

enum class Overlap { not_promised, unknown, none, seen };

// One case without it is enough for `none`: the promise was made for all.
Overlap overlap_of(const Pitch& pitch, const std::vector<CaseSchedule>& schedules) {
  if (!promises_overlap(pitch)) return Overlap::not_promised;
  bool known = false;
  for (const CaseSchedule& one : schedules) {
    if (!one.ahead) continue;
    known = true;
    if (*one.ahead <= 0.0) return Overlap::none;
  }
  return known ? Overlap::seen : Overlap::unknown;
}

double mean_effect(const std::vector<CaseSchedule>& schedules) {
  double sum = 0.0;
  for (const CaseSchedule& one : schedules) {
    sum += one.effect;
  }
  return schedules.empty() ? 0.0 : sum / static_cast<double>(schedules.size());
}

const CaseSchedule* most_moved(const std::vector<CaseSchedule>& schedules) {
  const CaseSchedule* found = nullptr;
  for (const CaseSchedule& one : schedules) {
    if (!one.before || !one.after) continue;
    if (found == nullptr || std::fabs(one.effect) > std::fabs(found->effect)) found = &one;
  }
  return found;
}

std::string fill_text(const std::vector<CaseSchedule>& schedules) {
  const CaseSchedule* one = most_moved(schedules);
  if (one == nullptr) return "tasks are not known both before and after";
  const Fill& before = *one->before;
  const Fill& after = *one->after;
  return fmt::format(
      "{}: {:.0f} -> {:.0f} tasks of {:.0f} -> {:.0f} tokens, {:.0f} -> {:.0f} waves on {:.0f} -> {:.0f} "
      "threads, {:.0f} -> {:.0f} % of places used, {:.0f} -> {:.0f} % padding",
      one->view->name(), before.tasks, after.tasks, before.tokens, after.tokens, before.waves, after.waves,
      before.threads, after.threads, 100.0 * before.used, 100.0 * after.used, 100.0 * before.padding,
      100.0 * after.padding);
}

std::string overlap_text(const std::vector<CaseSchedule>& schedules, Overlap overlap) {
  if (overlap == Overlap::not_promised) return "no overlap is promised";
  if (overlap == Overlap::unknown) return "overlap is promised, and nothing counted says whether it happens";
  const CaseSchedule* least = nullptr;
  for (const CaseSchedule& one : schedules) {
    if (one.ahead && (least == nullptr || *one.ahead < *least->ahead)) least = &one;
  }
  const double ahead = 100.0 * *least->ahead;
  return overlap == Overlap::none
             ? fmt::format("overlap is promised, but panels_ahead is 0 on {}: this is no pipeline", least->view->name())
             : fmt::format("at least {:.0f} % of the panels are really worked ahead ({}), before {:.0f} %", ahead,
                           least->view->name(), 100.0 * least->ahead_before.value_or(0.0));
}

std::string flight_text(const Brief& brief, const std::vector<CaseSchedule>& schedules) {
  const double needed = device::bytes_in_flight(brief.device->ceilings.read_bytes_per_second, kLatencySeconds);
  for (const CaseSchedule& one : schedules) {
    const auto before = one.view->before(observable::kBytesInFlight);
    const auto after = one.view->after(observable::kBytesInFlight);
    if (!before || !after) continue;
    return fmt::format("{}: {} -> {} asked for ahead, Little's law wants {} at an assumed {:.0f} ns", one.view->name(),
                       bytes_text(*before), bytes_text(*after), bytes_text(needed), kLatencySeconds * 1e9);
  }
  return {};
}

Judgement judge_gain(const std::vector<CaseView>& views, const std::vector<CaseSchedule>& schedules, Overlap overlap) {
  const double claimed = claim_of(views).middle;
  const double effect = mean_effect(schedules);
  if (overlap == Overlap::none) return {.score = 0.5, .reason = overlap_text(schedules, overlap)};
  const double scale = std::max(0.01, log_headroom(views).value_or(std::log(2.0)));
  // A gain that scheduling explains counts whole, the rest half: from here it can be neither confirmed nor ruled out.
  const double explained = std::clamp(effect, 0.0, std::max(0.0, claimed));
  const double believed = explained + 0.5 * std::max(0.0, claimed - explained) + std::min(0.0, effect);
  return {.score = 10.0 * std::sqrt(std::clamp(believed / scale, 0.0, 1.0)),
          .reason = fmt::format("of {} claimed, scheduling alone explains {} ({})", speed_up_text(claimed),
                                speed_up_text(effect), fill_text(schedules))};
}

Judgement judge_soundness(const std::vector<CaseSchedule>& schedules, Overlap overlap) {
  const double effect = mean_effect(schedules);
  double score = 5.0 + std::clamp(40.0 * effect, -4.0, 4.0);
  if (overlap == Overlap::none) score = 0.0;
  if (overlap == Overlap::unknown) score = std::min(score, 2.0);
  if (overlap == Overlap::seen) score = std::clamp(score + 2.0, 0.0, 9.0);
  return {.score = score, .reason = overlap_text(schedules, overlap) + "; " + fill_text(schedules)};
}

Judgement judge_feasibility(const std::vector<CaseSchedule>& schedules) {
  int known = 0;
  int starved = 0;
  for (const CaseSchedule& one : schedules) {
    if (!one.after) continue;
    ++known;
    // Fewer tasks than two a place: the longest one alone decides when the call ends.
    if (one.after->waves <= 2.0) ++starved;
  }
  if (known == 0) return {.score = 4.0, .reason = "tasks of the candidate are not known on any case"};
  return {.score = 9.0 - 6.0 * starved / known,
          .reason = fmt::format("{} of {} cases end up with two waves or fewer, where one slow task delays all",
                                starved, known)};
}

Judgement judge_specific(const Brief& brief, const std::vector<CaseSchedule>& schedules) {
  Judgement judgement = judge_specificity(brief, "scheduling", holding_about(brief, kSchedule));
  judgement.reason += "; " + fill_text(schedules);
  const std::string flight = flight_text(brief, schedules);
  if (!flight.empty()) judgement.reason += "; " + flight;
  return judgement;
}

Judgement judge_risk(const std::vector<CaseSchedule>& schedules, Overlap overlap) {
  const CaseSchedule* worst = nullptr;
  for (const CaseSchedule& one : schedules) {
    if (one.before && one.after && (worst == nullptr || one.effect < worst->effect)) worst = &one;
  }
  const double penalty = overlap == Overlap::none || overlap == Overlap::unknown ? 4.0 : 0.0;
  if (worst == nullptr) {
    return {.score = 4.0 - penalty, .reason = "no case shows what the change does to tasks: the worst one is unknown"};
  }
  return {.score = 8.0 + std::clamp(60.0 * worst->effect, -8.0, 1.0) - penalty,
          .reason = fmt::format("the worst case for scheduling is {} at {}; {}", worst->view->name(),
                                speed_up_text(worst->effect), overlap_text(schedules, overlap))};
}

Judgement judge_testing(const Brief& brief, Overlap overlap) {
  const bool ahead = plan_observes(*brief.pitch, {observable::kPanelsAhead, observable::kPanelsHandedOver});
  const bool schedule = plan_observes(*brief.pitch, kSchedule);
  if (overlap != Overlap::not_promised) {
    return {.score = ahead ? 9.0 : 2.0,
            .reason = ahead ? "the plan counts panels worked ahead before anything is raced"
                            : "overlap is promised, but no step of the plan counts panels worked ahead"};
  }
  return {.score = schedule                                                 ? 9.0
                   : plan_count(*brief.pitch, TestStepKind::observable) > 0 ? 6.0
                                                                            : 3.0,
          .reason = fmt::format("{} step of the plan looks at tasks, waves or padding; {} look at an observable",
                                schedule ? "a" : "no", plan_count(*brief.pitch, TestStepKind::observable))};
}

Forecast judge_forecast(const Brief& brief, const std::vector<CaseView>& views,
                        const std::vector<CaseSchedule>& schedules, Overlap overlap) {
  Belief belief = starting_belief(brief, views);
  const double effect = mean_effect(schedules);
  belief.works = (belief.works + effect) / 2.0;
  belief.fails = std::min(0.0, effect);
  if (effect > 0.01) belief.odds *= 2.0;
  if (effect < -0.01) belief.odds /= 4.0;
  if (overlap == Overlap::seen) belief.odds *= 1.5;
  if (overlap == Overlap::unknown) belief.odds /= 2.0;
  if (overlap == Overlap::none) {
    belief.odds /= 8.0;
    belief.works = std::min(0.0, effect);
  }
  return forecast_of(belief);
}

class SchedulerShark final : public Shark {
 public:
  [[nodiscard]] std::string name() const override { return "scheduler"; }
  [[nodiscard]] std::string looks_at() const override {
    return "Tasks, waves, tail and padding before and after, and whether panels are really worked ahead.";
  }
  [[nodiscard]] Assessment assess(const Brief& brief) const override {
    const std::vector<CaseView> views = views_of(brief);
    const std::vector<CaseSchedule> schedules = schedules_of(brief, views);
    const Overlap overlap = overlap_of(*brief.pitch, schedules);
    const Opinion opinion{.gain = judge_gain(views, schedules, overlap),
                          .soundness = judge_soundness(schedules, overlap),
                          .feasibility = judge_feasibility(schedules),
                          .specificity = judge_specific(brief, schedules),
                          .risk = judge_risk(schedules, overlap),
                          .testing = judge_testing(brief, overlap)};
    std::vector<std::string> remarks{overlap_text(schedules, overlap), fill_text(schedules)};
    return assess_as(name(), brief, opinion, judge_forecast(brief, views, schedules, overlap), std::move(remarks));
  }
};

}  // namespace

std::unique_ptr<Shark> scheduler_shark() {
  return std::make_unique<SchedulerShark>();
}

}  // namespace thresher::tank
