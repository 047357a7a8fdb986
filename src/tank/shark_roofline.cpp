// The roofline shark: what physics leaves to gain, and whether the change works on what binds.
//
// Background. A speed-up beyond baseline / floor is impossible on this machine, whatever the idea. Short of that, a
// change that only moves bytes sooner or past the cache can't win more than the time those bytes take, which is little
// where arithmetic binds: NVFP4 weights are 0.5625 bytes an element, and m tokens share them.
// Approach. Per case: headroom = baseline / floor, and the reach of the change = baseline / (baseline - time of the
// bytes it works on, at the measured bandwidth). Claims are held against both.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "device/floor.hpp"
#include "tank/builtin_sharks.hpp"
#include "tank/shark_facts.hpp"

namespace thresher::tank {
namespace {

// Codes and block scales of NVFP4: half a byte and a sixteenth.
constexpr double kWeightBytesPerElement = 0.5625;

// Which bytes a change works on, when it works on nothing else.
enum class Lever { reads, stores, all_bytes, anything };

Lever lever_of(const Pitch& pitch) {
  if (pitch.change.library) {
    if (pitch.category == Category::memory_layout) return Lever::all_bytes;
    return pitch.category == Category::tma_store_epilogue ? Lever::stores : Lever::anything;
  }
  bool reads = false;
  bool stores = false;
  for (const auto& [name, value] : pitch.change.patch.fields) {
    if (name == "prefetch_distance") {
      reads = true;
    } else if (name == "store") {
      stores = true;
    } else {
      return Lever::anything;
    }
  }
  if (reads && stores) return Lever::all_bytes;
  return reads ? Lever::reads : stores ? Lever::stores : Lever::anything;
}

const char* words_of(Lever lever) {
  switch (lever) {
    case Lever::reads:
      return "the reading of weights";
    case Lever::stores:
      return "the storing of results";
    case Lever::all_bytes:
      return "the movement of bytes";
    case Lever::anything:
      return "the whole kernel";
  }
  return "the whole kernel";
}

// The roofline's verdict on one case; effects are logs.
struct CaseLimit {
  const CaseView* view = nullptr;
  double headroom = 0.0;
  double reach = 0.0;  // of this kind of change; the headroom where nothing narrower is known
  double low = 0.0;    // claimed
  double middle = 0.0;
  bool impossible = false;    // even the low end of the claim lies beyond the headroom
  bool overreaching = false;  // the high end does
};

double reach_of(const CaseView& view, Lever lever, double bandwidth, double headroom) {
  const bool reads_bind = lever == Lever::reads && view.facts->memory_bound;
  if (lever == Lever::anything || reads_bind || !(bandwidth > 0.0)) return headroom;
  const device::Work work = device::work_of(view.facts->one.problem);
  double bytes = work.bytes();
  if (lever == Lever::reads) bytes = work.weight_bytes;
  if (lever == Lever::stores) bytes = work.output_bytes;
  const double share = bytes / bandwidth / *view.facts->baseline_seconds;
  return share >= 1.0 ? headroom : std::min(headroom, -std::log1p(-share));
}

std::vector<CaseLimit> limits_of(const Brief& brief, const std::vector<CaseView>& views) {
  const Lever lever = lever_of(*brief.pitch);
  std::vector<CaseLimit> limits;
  for (const CaseView& view : views) {
    if (!view.headroom) continue;
    CaseLimit limit{.view = &view, .headroom = std::max(0.0, std::log(*view.headroom))};
    limit.reach = reach_of(view, lever, brief.device->ceilings.read_bytes_per_second, limit.headroom);
    if (view.prediction != nullptr) {
      limit.low = std::log(view.prediction->low);
      const double high = std::log(view.prediction->high);
      limit.middle = (limit.low + high) / 2.0;
      limit.impossible = limit.low > limit.headroom;
      limit.overreaching = high > limit.headroom;
    }
    limits.push_back(limit);
  }
  return limits;
}

double mean(const std::vector<CaseLimit>& limits, double CaseLimit::*member) {
  double sum = 0.0;
  for (const CaseLimit& one : limits) {
    sum += one.*member;
  }
  return limits.empty() ? 0.0 : sum / static_cast<double>(limits.size());
}

const CaseLimit* worst(const std::vector<CaseLimit>& limits, bool CaseLimit::*member) {
  const CaseLimit* found = nullptr;
  for (const CaseLimit& one : limits) {
    if (!(one.*member)) continue;
    if (found == nullptr || one.low - one.headroom > found->low - found->headroom) found = &one;
  }
  return found;
}

Judgement judge_gain(const std::vector<CaseLimit>& limits) {
  if (limits.empty()) return {.score = 0.0, .reason = "no case has a timed baseline, so no headroom is known"};
  if (const CaseLimit* one = worst(limits, &CaseLimit::impossible)) {
    return {
        .score = 0.0,
        .reason = fmt::format("impossible: the pitch claims at least {:.2f}x on {}, but baseline {:.0f} us over floor "
                              "{:.0f} us leaves {:.2f}x: beyond the floor by {:.0f} %",
                              std::exp(one->low), one->view->name(), *one->view->facts->baseline_seconds * 1e6,
                              one->view->facts->floor_seconds * 1e6, std::exp(one->headroom),
                              100.0 * (std::exp(one->low - one->headroom) - 1.0))};
  }
  const double claimed = std::min(mean(limits, &CaseLimit::middle), mean(limits, &CaseLimit::reach));
  const double headroom = mean(limits, &CaseLimit::headroom);
  // The root, because small gains stack: a quarter of the way to the floor is worth more than a quarter of the points.
  const double share = headroom > 0.0 ? std::clamp(claimed / headroom, 0.0, 1.0) : 0.0;
  const CaseLimit* beyond = worst(limits, &CaseLimit::overreaching);
  std::string reason = fmt::format("claims {} of a headroom of {} over {} cases, {:.0f} % of the way to the floor",
                                   speed_up_text(claimed), speed_up_text(headroom), limits.size(), 100.0 * share);
  if (beyond != nullptr) reason += fmt::format("; the high end on {} lies beyond its floor", beyond->view->name());
  return {.score = 10.0 * std::sqrt(share) - (beyond != nullptr ? 3.0 : 0.0), .reason = reason};
}

Judgement judge_soundness(const Brief& brief, const std::vector<CaseLimit>& limits) {
  const double claimed = mean(limits, &CaseLimit::middle);
  const double reach = mean(limits, &CaseLimit::reach);
  const auto bound =
      std::count_if(limits.begin(), limits.end(), [](const CaseLimit& one) { return one.view->facts->memory_bound; });
  const char* words = words_of(lever_of(*brief.pitch));
  const std::string state = fmt::format("{} of {} cases are memory-bound; {} can win at most {}", bound, limits.size(),
                                        words, speed_up_text(reach));
  if (limits.empty()) return {.score = 2.0, .reason = "without a timed baseline nothing says what binds"};
  if (claimed <= 0.0) return {.score = 2.0, .reason = state + ", and the pitch claims no gain"};
  const double share = std::min(1.0, reach / claimed);
  return {.score = 8.0 * share,
          .reason = fmt::format("{}, the pitch claims {}: {:.0f} % of the claim is within reach", state,
                                speed_up_text(claimed), 100.0 * share)};
}

Judgement judge_feasibility(const std::vector<CaseLimit>& limits) {
  const double headroom = mean(limits, &CaseLimit::headroom);
  const double low = mean(limits, &CaseLimit::low);
  if (headroom <= 0.0) return {.score = 0.0, .reason = "no case has a known headroom above 1"};
  const double share = std::clamp(low / headroom, 0.0, 1.0);
  return {.score = 9.0 * (1.0 - share),
          .reason = fmt::format("even its low end needs {:.0f} % of the distance to the floor ({} of {})",
                                100.0 * share, speed_up_text(low), speed_up_text(headroom))};
}

Judgement judge_specific(const Brief& brief, const std::vector<CaseLimit>& limits) {
  Judgement judgement = judge_specificity(
      brief, "bytes and the floor",
      holding_about(brief, {observable::kBytesInFlight, observable::kWeightPasses, observable::kWeightBytesRead,
                            observable::kBytesPerElement, observable::kArithmeticIntensity, observable::kFloorFraction,
                            observable::kLinesPrefetched}));
  double rate = 0.0;
  for (const auto& [isa, flops] : brief.device->ceilings.flops_per_second) {
    rate = std::max(rate, flops);
  }
  const double bandwidth = brief.device->ceilings.read_bytes_per_second;
  if (rate > 0.0 && bandwidth > 0.0) {
    judgement.reason += fmt::format("; at {} bytes a weight, groups below m = {:.0f} are memory-bound on this machine",
                                    kWeightBytesPerElement, rate / bandwidth * kWeightBytesPerElement / 2.0);
  }
  for (const CaseLimit& one : limits) {
    const Problem& problem = one.view->facts->one.problem;
    const auto with_rows = std::count_if(problem.m.begin(), problem.m.end(), [](std::int64_t m) { return m > 0; });
    if (with_rows == 0) continue;
    const double m = static_cast<double>(problem.total_m()) / static_cast<double>(with_rows);
    judgement.reason += fmt::format("; {}: {:.0f} flops a weight byte at mean m = {:.0f}", one.view->name(),
                                    2.0 * m / kWeightBytesPerElement, m);
  }
  return judgement;
}

Judgement judge_risk(const std::vector<CaseLimit>& limits) {
  if (limits.empty()) return {.score = 0.0, .reason = "no case has a timed baseline: the downside is unknown"};
  const auto idle = std::count_if(limits.begin(), limits.end(),
                                  [](const CaseLimit& one) { return one.reach < 0.01 && one.headroom > 0.01; });
  const double exposed = static_cast<double>(idle) / static_cast<double>(limits.size());
  return {.score = 8.0 * (1.0 - exposed),
          .reason =
              fmt::format("on {} of {} cases the change can win less than 1 % and can only lose", idle, limits.size())};
}

Judgement judge_testing(const Brief& brief, const std::vector<CaseView>& views) {
  double all = 0.0;
  double some = 0.0;
  bool short_race = false;
  for (const TestStep& step : brief.pitch->test_plan) {
    if (step.kind != TestStepKind::short_race) continue;
    short_race = true;
    for (const CaseView& view : views) {
      const bool named = std::find(step.cases.begin(), step.cases.end(), view.name()) != step.cases.end();
      if (named) some += view.facts->baseline_seconds.value_or(0.0);
    }
  }
  double cheapest = 0.0;
  for (const CaseView& view : views) {
    const double seconds = view.facts->baseline_seconds.value_or(0.0);
    all += seconds;
    if (seconds > 0.0) cheapest = cheapest > 0.0 ? std::min(cheapest, seconds) : seconds;
  }
  if (!short_race) {
    return {.score = 2.0,
            .reason = fmt::format("no short race: the first race costs 4 x {:.1f} ms a block", all * 1e3)};
  }
  const double first = some > 0.0 ? some : cheapest;
  const double share = all > 0.0 ? first / all : 1.0;
  return {.score = 4.0 + 5.0 * (1.0 - share),
          .reason = fmt::format("the short race costs {:.1f} of the {:.1f} ms that all cases take, {:.0f} %",
                                first * 1e3, all * 1e3, 100.0 * share)};
}

Forecast judge_forecast(const Brief& brief, const std::vector<CaseView>& views, const std::vector<CaseLimit>& limits) {
  Belief belief = starting_belief(brief, views);
  const double reach = mean(limits, &CaseLimit::reach);
  // What makes the idea work can't be more than what it works on.
  belief.works = std::min(belief.works, reach);
  const double claimed = mean(limits, &CaseLimit::middle);
  if (claimed > 0.0) belief.odds *= std::clamp(2.0 * reach / claimed, 0.25, 2.0);
  if (worst(limits, &CaseLimit::overreaching) != nullptr) belief.odds /= 2.0;
  if (worst(limits, &CaseLimit::impossible) != nullptr) {
    belief.odds = 0.0;
    belief.works = 0.0;
  }
  return forecast_of(belief);
}

class RooflineShark final : public Shark {
 public:
  [[nodiscard]] std::string name() const override { return "roofline"; }
  [[nodiscard]] std::string looks_at() const override {
    return "Headroom over the measured floor of each case, and whether the change works on what binds there.";
  }
  [[nodiscard]] Assessment assess(const Brief& brief) const override {
    const std::vector<CaseView> views = views_of(brief);
    const std::vector<CaseLimit> limits = limits_of(brief, views);
    const Opinion opinion{.gain = judge_gain(limits),
                          .soundness = judge_soundness(brief, limits),
                          .feasibility = judge_feasibility(limits),
                          .specificity = judge_specific(brief, limits),
                          .risk = judge_risk(limits),
                          .testing = judge_testing(brief, views)};
    std::vector<std::string> remarks;
    for (const CaseLimit& one : limits) {
      remarks.push_back(fmt::format("{}: floor {:.0f} us ({}-bound), baseline {:.0f} us, headroom {:.2f}x",
                                    one.view->name(), one.view->facts->floor_seconds * 1e6,
                                    one.view->facts->memory_bound ? "memory" : "compute",
                                    *one.view->facts->baseline_seconds * 1e6, std::exp(one.headroom)));
    }
    return assess_as(name(), brief, opinion, judge_forecast(brief, views, limits), std::move(remarks));
  }
};

}  // namespace

std::unique_ptr<Shark> roofline_shark() {
  return std::make_unique<RooflineShark>();
}

}  // namespace thresher::tank
