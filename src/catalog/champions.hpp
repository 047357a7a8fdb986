// The champions of each kind of device, in champions/<kind>.toml. docs/champions.md describes the files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "device/environment.hpp"
#include "thresher/champions.hpp"

namespace thresher::catalog {

/// One entry of a file: the config in force, and the measurement that put it there.
struct ChampionRecord {
  Op op = Op::gated;
  ShapeClass shape_class = ShapeClass::decode;
  CpuConfig config;
  std::string round;     // of the tank
  std::string measured;  // effect and interval, in words
  std::string date;      // of the round

  bool operator==(const ChampionRecord&) const = default;
};

/// The kind of device that runs an instruction set: "cpu-avx2", "cpu-amx", ...
std::string device_kind(Isa isa);

/// The file of a kind. Throws Error(invalid_argument) when there is no such kind.
std::filesystem::path champions_path(const std::filesystem::path& folder, std::string_view kind);

/// The entries of one text, in its order; `origin` is what errors call it. Throws Error(parse) naming line and value.
std::vector<ChampionRecord> parse_champions(std::string_view text, std::string_view kind, const std::string& origin);

/// The entries of a kind's file; none where there is no file. Throws Error(io | parse).
std::vector<ChampionRecord> load_champion_records(const std::filesystem::path& folder, std::string_view kind);

/// The same as the table that an engine takes.
ChampionTable load_champions(const std::filesystem::path& folder, std::string_view kind);

/// Replaces the entry of the record's op and class, or adds it; all others keep their values. The file is old or new,
/// never half. NOTE: reads, then writes: two writers at once would lose one of the entries.
void store_champion(const std::filesystem::path& folder, std::string_view kind, const ChampionRecord& record);

/// Where a round writes: THRESHER_CHAMPIONS, else ./champions.
std::filesystem::path champions_folder(const device::Environment& environment);

/// Champions of every kind, and the place they were read from, for people.
struct Champions {
  ChampionTable table;
  std::string source;
};

/// The first of: THRESHER_CHAMPIONS, ./champions when it is a folder, the copy inside this program. A folder that does
/// not exist yet holds no champions, as one without files does.
Champions open_champions(const device::Environment& environment);

}  // namespace thresher::catalog
