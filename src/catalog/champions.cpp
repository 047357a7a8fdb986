// Reads and writes champions/<kind>.toml: strict about every key and value, and whole or not at all.
#include "catalog/champions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>
#include <utility>

#include "catalog/builtin_champions.hpp"
#include "catalog/case_reader.hpp"
#include "cpu/grouped_gemm.hpp"
#include "device/files.hpp"
#include "thresher/error.hpp"

namespace thresher::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kKeys = {"op", "shape_class", "config", "round", "measured", "date"};
constexpr std::array kIsas = {Isa::portable, Isa::avx2, Isa::avx512, Isa::amx};

Isa isa_of(std::string_view kind) {
  std::vector<std::string> kinds;
  for (const Isa isa : kIsas) {
    if (kind == device_kind(isa)) return isa;
    kinds.push_back(device_kind(isa));
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("there is no kind of device '{}'; there are {}", kind, fmt::join(kinds, ", ")));
}

// Reads one [[champion]] table; every error names file, line, key and value.
class EntryReader {
 public:
  EntryReader(const toml::table& table, const std::string& origin) : table_(table), origin_(origin) {
    for (const auto& [key, node] : table_) {
      if (std::find(kKeys.begin(), kKeys.end(), key.str()) != kKeys.end()) continue;
      fail(node, fmt::format("unknown key '{}'; a champion has {}", key.str(), fmt::join(kKeys, ", ")));
    }
  }

  [[noreturn]] void fail(const toml::node& at, const std::string& message) const {
    throw Error(ErrorCode::parse, place(origin_, at) + message);
  }

  [[nodiscard]] std::string text(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) {
      fail(table_, fmt::format("a champion without the key '{}'; it needs {}", key, fmt::join(kKeys, ", ")));
    }
    const std::optional<std::string> value = node->value_exact<std::string>();
    if (!value || value->empty()) {
      std::ostringstream shown;
      node->visit([&shown](const auto& content) { shown << content; });
      fail(*node, fmt::format("{} = {} is not text in quotes that says something", key, shown.str()));
    }
    return *value;
  }

  template <typename T>
  T choice(std::string_view key, std::optional<T> (*parse)(std::string_view) noexcept, std::string_view choices) const {
    const std::string value = text(key);
    const std::optional<T> found = parse(value);
    if (!found) fail(*table_.get(key), fmt::format("{} = \"{}\" is not one of: {}", key, value, choices));
    return *found;
  }

  [[nodiscard]] CpuConfig config(Isa isa) const {
    const std::string value = text("config");
    const toml::node& node = *table_.get("config");
    CpuConfig config;
    try {
      config = cpu_config_from_text(value);
    } catch (const Error& cause) {
      fail(node, fmt::format("config = \"{}\": {}", value, cause.what()));
    }
    if (config.isa != isa) {
      fail(node, fmt::format("config = \"{}\" is for isa={}, but this file is of {}; say isa={}", value,
                             to_string(config.isa), device_kind(isa), to_string(isa)));
    }
    if (const auto why = cpu::why_invalid(config, OutputType::fp32)) {
      fail(node, fmt::format("config = \"{}\": {}", value, *why));
    }
    return config;
  }

 private:
  const toml::table& table_;
  const std::string& origin_;
};

ChampionRecord read_entry(const toml::table& table, Isa isa, const std::string& origin) {
  const EntryReader reader(table, origin);
  return {.op = reader.choice<Op>("op", parse_op, "plain, gated"),
          .shape_class = reader.choice<ShapeClass>("shape_class", parse_shape_class, "decode, prefill"),
          .config = reader.config(isa),
          .round = reader.text("round"),
          .measured = reader.text("measured"),
          .date = reader.text("date")};
}

bool same_place(const ChampionRecord& a, const ChampionRecord& b) {
  return a.op == b.op && a.shape_class == b.shape_class;
}

std::string quoted(const std::string& text) {
  std::ostringstream stream;
  stream << toml::value<std::string>(text);
  return stream.str();
}

std::string file_text(const std::vector<ChampionRecord>& records, std::string_view kind) {
  std::string text = fmt::format(
      "# The configs in force on {}, one for each op and class of shapes. A round of the tank writes this file.\n"
      "# A field of `config` that is automatic is chosen for the problem; `threads` is a record, not taken over.\n",
      kind);
  for (const ChampionRecord& record : records) {
    text += fmt::format(
        "\n[[champion]]\nop = \"{}\"\nshape_class = \"{}\"\nconfig = \"{}\"\nround = {}\nmeasured = {}\ndate = {}\n",
        to_string(record.op), to_string(record.shape_class), to_text(record.config), quoted(record.round),
        quoted(record.measured), quoted(record.date));
  }
  return text;
}

ChampionTable table_of(const std::vector<ChampionRecord>& records) {
  ChampionTable table;
  for (const ChampionRecord& record : records) {
    table.push_back({.op = record.op,
                     .shape_class = record.shape_class,
                     .config = record.config,
                     .source = fmt::format("round {}, {}: {}", record.round, record.date, record.measured)});
  }
  return table;
}

void append(ChampionTable& table, ChampionTable more) {
  std::move(more.begin(), more.end(), std::back_inserter(table));
}

ChampionTable load_every_kind(const fs::path& folder) {
  ChampionTable table;
  for (const Isa isa : kIsas) {
    append(table, load_champions(folder, device_kind(isa)));
  }
  return table;
}

ChampionTable builtin_champions() {
  ChampionTable table;
  for (const Isa isa : kIsas) {
    for (const BuiltinFile& file : builtin_champion_files()) {
      if (file.name != champions_path("", device_kind(isa)).string()) continue;
      append(table, table_of(parse_champions(file.text, device_kind(isa), fmt::format("built-in {}", file.name))));
    }
  }
  return table;
}

}  // namespace

std::string device_kind(Isa isa) {
  return std::string("cpu-") + to_string(isa);
}

fs::path champions_path(const fs::path& folder, std::string_view kind) {
  return folder / (device_kind(isa_of(kind)) + ".toml");
}

std::vector<ChampionRecord> parse_champions(std::string_view text, std::string_view kind, const std::string& origin) {
  const Isa isa = isa_of(kind);
  toml::table document;
  try {
    document = toml::parse(text, origin);
  } catch (const toml::parse_error& cause) {
    throw Error(ErrorCode::parse, fmt::format("{}:{}:{}: not TOML: {}", origin, cause.source().begin.line,
                                              cause.source().begin.column, cause.description()));
  }
  std::vector<ChampionRecord> records;
  for (const auto& [key, node] : document) {
    const toml::array* entries = node.as_array();
    if (key.str() != "champion" || entries == nullptr) {
      throw Error(ErrorCode::parse, place(origin, node) + fmt::format("'{}' is not a [[champion]] table; a champions "
                                                                      "file holds those and nothing else",
                                                                      key.str()));
    }
    for (const toml::node& entry : *entries) {
      const toml::table* table = entry.as_table();
      if (table == nullptr) throw Error(ErrorCode::parse, place(origin, entry) + "a champion is not a table");
      records.push_back(read_entry(*table, isa, origin));
      const auto known = std::find_if(records.begin(), records.end(),
                                      [&](const ChampionRecord& other) { return same_place(other, records.back()); });
      if (&*known == &records.back()) continue;
      throw Error(ErrorCode::parse,
                  place(origin, entry) + fmt::format("a second champion of {} {}; remove one of them",
                                                     to_string(known->op), to_string(known->shape_class)));
    }
  }
  return records;
}

std::vector<ChampionRecord> load_champion_records(const fs::path& folder, std::string_view kind) {
  const fs::path path = champions_path(folder, kind);
  std::error_code error;
  if (!fs::exists(path, error) && !error) return {};
  return parse_champions(device::read_whole_file(path), kind, path.string());
}

ChampionTable load_champions(const fs::path& folder, std::string_view kind) {
  return table_of(load_champion_records(folder, kind));
}

void store_champion(const fs::path& folder, std::string_view kind, const ChampionRecord& record) {
  std::vector<ChampionRecord> records = load_champion_records(folder, kind);
  const auto place_of = std::find_if(records.begin(), records.end(),
                                     [&](const ChampionRecord& other) { return same_place(other, record); });
  if (place_of == records.end()) {
    records.push_back(record);
  } else {
    *place_of = record;
  }
  // Read back before it is written: an entry that could not be read (an isa of another kind, text that is not UTF-8)
  // would take all others with it.
  const std::string text = file_text(records, kind);
  const std::string origin = fmt::format("the champion of {} {} for {}", to_string(record.op),
                                         to_string(record.shape_class), champions_path(folder, kind).string());
  if (parse_champions(text, kind, origin) != records) {
    throw Error(ErrorCode::parse, origin + " has text that TOML can't keep; write round, measured and date in UTF-8");
  }
  device::write_whole_file(champions_path(folder, kind), text);
}

fs::path champions_folder(const device::Environment& environment) {
  return environment.champions ? fs::path(*environment.champions) : fs::path("champions");
}

Champions open_champions(const device::Environment& environment) {
  if (environment.champions) {
    return {load_every_kind(*environment.champions), *environment.champions + " (THRESHER_CHAMPIONS)"};
  }
  const fs::path beside = "champions";
  std::error_code ignored;
  if (fs::is_directory(beside, ignored)) return {load_every_kind(beside), "./champions"};
  return {builtin_champions(), "built in"};
}

}  // namespace thresher::catalog
