// What `thresher round` prints at the end.
#include "cli/round_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "cli/table.hpp"

namespace thresher::cli {
namespace {

using tank::BaselineRow;
using tank::PitchRecord;
using tank::RoundRecord;

std::string milliseconds(const std::optional<double>& seconds) {
  return seconds ? fmt::format("{:.1f} ms", *seconds * 1e3) : "-";
}

std::string times(const std::optional<double>& seconds, const std::optional<double>& target) {
  return seconds && target ? fmt::format("{:.2f}x", *seconds / *target) : "-";
}

std::string change(const std::optional<double>& before, const std::optional<double>& after) {
  return before && after ? fmt::format("{:+.1f} %", (*after / *before - 1.0) * 100.0) : "-";
}

std::string seed_factor(const BaselineRow& row) {
  return row.seed_baseline_us && row.seed_target_us
             ? fmt::format("{:.1f}x", *row.seed_baseline_us / *row.seed_target_us)
             : "-";
}

std::string table_text(const RoundRecord& record) {
  std::vector<std::vector<std::string>> rows;
  for (const BaselineRow& row : record.table)
    rows.push_back({row.one.name, milliseconds(row.baseline_seconds), milliseconds(row.champion_seconds),
                    change(row.baseline_seconds, row.champion_seconds), milliseconds(row.target_seconds),
                    times(row.champion_seconds ? row.champion_seconds : row.baseline_seconds, row.target_seconds),
                    seed_factor(row)});
  return Table::fitted({{"case", 0, Align::left},
                        {"baseline"},
                        {"champion"},
                        {"time"},
                        {"target (floor)"},
                        {"from target"},
                        {"seed's, B200"}},
                       rows);
}

std::string effect(const tank::Outcome& outcome) {
  if (!outcome.speed_up) return "-";
  const std::string point = fmt::format("{:+.1f} %", (*outcome.speed_up - 1.0) * 100.0);
  if (!outcome.low || !outcome.high) return point;
  return fmt::format("{} [{:+.1f}, {:+.1f}]", point, (*outcome.low - 1.0) * 100.0, (*outcome.high - 1.0) * 100.0);
}

std::string status(const PitchRecord& pitch) {
  if (!pitch.admitted) return "refused";
  if (pitch.outcome) return to_string(pitch.outcome->verdict);
  return "not funded";
}

std::string verdicts_text(const RoundRecord& record) {
  std::vector<std::vector<std::string>> rows;
  for (const PitchRecord& pitch : record.pitches)
    rows.push_back(
        {pitch.pitch.id, to_string(pitch.pitch.category), pitch.panel ? fmt::format("{:.1f}", pitch.panel->total) : "-",
         pitch.rank > 0 ? fmt::format("{}", pitch.rank) : "-",
         pitch.funded     ? "funded"
         : pitch.explored ? "explored"
                          : "-",
         status(pitch), pitch.outcome ? pitch.outcome->stopped_at : "-", pitch.outcome ? effect(*pitch.outcome) : "-"});
  return Table::fitted({{"pitch", 0, Align::left},
                        {"category", 0, Align::left},
                        {"panel"},
                        {"rank"},
                        {"measured", 0, Align::left},
                        {"verdict", 0, Align::left},
                        {"decided by", 0, Align::left},
                        {"speed-up, 95 %", 0, Align::left}},
                       rows);
}

std::string reasons_text(const RoundRecord& record) {
  std::string text;
  for (const PitchRecord& pitch : record.pitches) {
    if (!pitch.admitted) text += fmt::format("{}: refused, {}\n", pitch.pitch.id, pitch.refusal);
    if (pitch.outcome) text += fmt::format("{}: {}\n", pitch.pitch.id, pitch.outcome->reason);
  }
  return text;
}

std::string champion_text(const RoundRecord& record) {
  std::string text;
  if (record.champion.empty()) {
    text = fmt::format("champion: the baseline stays, {}\n", to_text(record.champion_config));
  } else {
    text = fmt::format("champion: {}, {}\n", record.champion.back().pitch, to_text(record.champion_config));
  }
  if (!record.in_force_reason.empty()) text += fmt::format("in force: {}\n", record.in_force_reason);
  return text;
}

std::string verdict_cell(const std::optional<tank::Verdict>& verdict) {
  return verdict ? to_string(*verdict) : "-";
}

std::string rank_cell(int rank, bool funded) {
  return rank == 0 ? "-" : fmt::format("{}{}", rank, funded ? " funded" : "");
}

}  // namespace

std::string round_text(const RoundRecord& record) {
  if (record.definition.recorded) {
    return fmt::format("{}: recorded history, not measured here; {} lessons are in the ledger\n",
                       record.definition.name, record.definition.recorded->lessons.size());
  }
  std::string text =
      fmt::format("\n{} on {}, {} threads\n\n{}\n{}\n{}", record.definition.title, record.device.name,
                  record.device.threads, table_text(record), verdicts_text(record), reasons_text(record));
  if (record.noise_floor) {
    text += fmt::format("\nnoise floor: {:.2f} % ({} blocks of the baseline against itself)\n",
                        std::expm1(record.noise_floor->log_bound) * 100.0, record.noise_floor->blocks);
  }
  return text + champion_text(record);
}

std::string replay_text(const tank::Replay& replay) {
  std::vector<std::vector<std::string>> rows;
  for (const tank::ReplayedPitch& one : replay.pitches)
    rows.push_back({one.pitch, rank_cell(one.recorded_rank, one.recorded_funded),
                    rank_cell(one.replayed_rank, one.replayed_funded), verdict_cell(one.recorded),
                    verdict_cell(one.replayed), one.recorded == one.replayed ? "" : one.reason});
  const std::string summary =
      replay.reproduces() ? "every verdict came out as recorded" : "verdicts differ: see the last column";
  return Table::fitted({{"pitch", 0, Align::left},
                        {"rank then"},
                        {"rank now"},
                        {"verdict then", 0, Align::left},
                        {"verdict now", 0, Align::left},
                        {"why", 0, Align::left}},
                       rows) +
         fmt::format("rules {}: {}\n", replay.rules, summary);
}

}  // namespace thresher::cli
