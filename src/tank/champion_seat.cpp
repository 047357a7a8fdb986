// Who holds the champion's seat in a round.
#include "tank/champion_seat.hpp"

#include <fmt/format.h>

#include "catalog/champions.hpp"
#include "device/utc_time.hpp"
#include "thresher/champions.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

Json change_json(const ChampionChange& change) {
  return {{"pitch", change.pitch},
          {"before", to_text(change.before)},
          {"after", to_text(change.after)},
          {"in_force", change.in_force},
          {"reason", change.reason}};
}

ChampionChange change_from(const Json& json) {
  return {.pitch = json.at("pitch").get<std::string>(),
          .before = cpu_config_from_text(json.at("before").get<std::string>()),
          .after = cpu_config_from_text(json.at("after").get<std::string>()),
          .in_force = json.at("in_force").get<bool>(),
          .reason = json.at("reason").get<std::string>()};
}

Isa isa_of(const std::string& device_kind) {
  const std::optional<Isa> isa = device_kind.starts_with("cpu-") ? parse_isa(device_kind.substr(4)) : std::nullopt;
  if (!isa) {
    throw Error(ErrorCode::internal, fmt::format("champions are kept for cpu-<isa>, not for \"{}\"", device_kind));
  }
  return *isa;
}

// Nothing when the cases are of more than one class: then one config must not replace the champions of both.
std::optional<ShapeClass> class_of(const std::vector<catalog::Case>& cases) {
  std::optional<ShapeClass> common;
  for (const catalog::Case& one : cases) {
    const ShapeClass own = shape_class(one.problem);
    if (common && *common != own) return std::nullopt;
    common = own;
  }
  return common;
}

}  // namespace

ChampionSeat::ChampionSeat(Ledger& ledger, const RoundDefinition& definition)
    : ledger_(ledger),
      folder_(definition.champions),
      round_(definition.name),
      config_(definition.baseline),
      changes_(champion_changes(ledger)) {
  if (!changes_.empty()) config_ = changes_.back().after;
  settled_ = ledger.find("in_force", "round").has_value();
}

std::string ChampionSeat::holder() const {
  return changes_.empty() ? "baseline" : changes_.back().pitch;
}

std::string ChampionSeat::last_reason() const {
  const std::optional<Event> event = ledger_.find("in_force", "round");
  return event ? event->data.at("reason").get<std::string>() : std::string();
}

void ChampionSeat::take(const Pitch& pitch, const measure::Candidate& candidate, const std::string& reason) {
  for (const ChampionChange& change : changes_)
    if (change.pitch == pitch.id) return;
  if (candidate.kind != measure::CandidateKind::config) return;
  const ChampionChange change{
      .pitch = pitch.id, .before = config_, .after = candidate.config, .in_force = false, .reason = reason};
  ledger_.append("champion", pitch.id, change_json(change));
  changes_.push_back(change);
  config_ = change.after;
}

CpuConfig ChampionSeat::in_force(const std::string& device_kind, const std::vector<catalog::Case>& cases) const {
  const std::optional<ShapeClass> shape = class_of(cases);
  const Isa isa = isa_of(device_kind);
  if (shape) {
    const ChampionTable table = catalog::load_champions(folder_, device_kind);
    if (const Champion* champion = find_champion(table, cases.front().problem.op, *shape, isa)) {
      return champion->config;
    }
  }
  CpuConfig automatic;
  automatic.isa = isa;
  return automatic;
}

void ChampionSeat::settle(const std::string& device_kind, const std::vector<catalog::Case>& cases,
                          const CpuConfig& in_force, const Outcome& outcome) {
  const std::optional<ShapeClass> shape = class_of(cases);
  bool won = outcome.verdict == Verdict::win;
  std::string reason;
  if (!won) {
    reason = fmt::format("{} is the round's champion, but does not replace what is in force ({}): {}", holder(),
                         to_text(in_force), outcome.reason);
  } else if (!shape) {
    won = false;
    reason = fmt::format(
        "{} beats what is in force, but the round's cases are of both shape classes; champions are kept "
        "for one: run a round for each",
        holder());
  } else {
    CpuConfig config = config_;
    config.isa = isa_of(device_kind);
    catalog::store_champion(folder_, device_kind,
                            {.op = cases.front().problem.op,
                             .shape_class = *shape,
                             .config = config,
                             .round = round_,
                             .measured = outcome.reason,
                             .date = device::utc_date()});
    reason = fmt::format("{} replaces what was in force ({}): {}", holder(), to_text(in_force), outcome.reason);
  }
  // NOTE: after the file. A crash in between writes the same file once more; the other order could lose the change.
  ledger_.append("in_force", "round",
                 Json{{"written", won},
                      {"before", to_text(in_force)},
                      {"reason", reason},
                      {"speed_up", outcome.speed_up ? Json(*outcome.speed_up) : Json(nullptr)}});
  settled_ = true;
}

std::vector<ChampionChange> champion_changes(const Ledger& ledger) {
  std::vector<ChampionChange> changes;
  for (const Event& event : ledger.events("champion"))
    changes.push_back(change_from(event.data));
  const std::optional<Event> in_force = ledger.find("in_force", "round");
  if (in_force && !changes.empty()) changes.back().in_force = in_force->data.at("written").get<bool>();
  return changes;
}

}  // namespace thresher::tank
