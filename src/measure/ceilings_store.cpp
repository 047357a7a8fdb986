// Ceilings as JSON: strict about content, calm about absence.
#include "measure/ceilings_store.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "device/files.hpp"
#include "thresher/config.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

using nlohmann::json;

constexpr int kSchema = 1;

[[noreturn]] void corrupt(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorCode::parse,
              "'" + path.string() + "' does not hold ceilings: " + why + "; delete it or run 'thresher ceilings'");
}

double positive(const json& value, const std::string& key) {
  const double number = value.get<double>();
  if (!std::isfinite(number) || number <= 0.0) {
    throw Error(ErrorCode::parse, key + " is " + value.dump() + ", not above 0");
  }
  return number;
}

device::Ceilings from_json(const json& object) {
  if (const int schema = object.at("schema").get<int>(); schema != kSchema) {
    throw Error(ErrorCode::parse, "schema is " + std::to_string(schema) + ", not " + std::to_string(kSchema));
  }
  device::Ceilings ceilings;
  ceilings.machine = object.at("machine").get<std::string>();
  ceilings.measured_at = object.at("measured_at").get<std::string>();
  ceilings.threads = object.at("threads").get<int>();
  ceilings.read_bytes_per_second = positive(object.at("read_bytes_per_second"), "read_bytes_per_second");
  const json& rates = object.at("flops_per_second");
  if (!rates.is_object()) throw Error(ErrorCode::parse, "flops_per_second is not an object");
  for (const auto& [name, value] : rates.items()) {
    const std::optional<Isa> isa = parse_isa(name);
    if (!isa || *isa == Isa::automatic) throw Error(ErrorCode::parse, "'" + name + "' is not an instruction set");
    ceilings.flops_per_second[*isa] = positive(value, name);
  }
  return ceilings;
}

}  // namespace

std::filesystem::path cache_folder(const device::Environment& environment) {
  if (environment.cache_dir) return *environment.cache_dir;
  throw Error(ErrorCode::environment,
              "there is no place to keep measurements: THRESHER_CACHE_DIR, XDG_CACHE_HOME and HOME are all unset; "
              "set THRESHER_CACHE_DIR to a folder");
}

std::filesystem::path ceilings_path(const std::filesystem::path& folder, const std::string& machine, int threads) {
  return folder / ("ceilings-" + machine + "-" + std::to_string(threads) + "t.json");
}

void store_ceilings(const std::filesystem::path& folder, const device::Ceilings& ceilings) {
  json rates = json::object();
  for (const auto& [isa, rate] : ceilings.flops_per_second) {
    rates[to_string(isa)] = rate;
  }
  const json object = {{"schema", kSchema},
                       {"machine", ceilings.machine},
                       {"measured_at", ceilings.measured_at},
                       {"threads", ceilings.threads},
                       {"read_bytes_per_second", ceilings.read_bytes_per_second},
                       {"flops_per_second", rates}};
  device::write_whole_file(ceilings_path(folder, ceilings.machine, ceilings.threads), object.dump(2) + "\n");
}

std::optional<device::Ceilings> load_ceilings(const std::filesystem::path& folder, const std::string& machine,
                                              int threads) {
  const std::filesystem::path path = ceilings_path(folder, machine, threads);
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return std::nullopt;
  const std::string text = device::read_whole_file(path);
  device::Ceilings ceilings;
  try {
    ceilings = from_json(json::parse(text));
  } catch (const json::exception& cause) {
    corrupt(path, cause.what());
  } catch (const Error& cause) {
    corrupt(path, cause.what());
  }
  if (ceilings.machine != machine) corrupt(path, "machine is '" + ceilings.machine + "', not '" + machine + "'");
  if (ceilings.threads != threads) {
    corrupt(path, "threads is " + std::to_string(ceilings.threads) + ", not " + std::to_string(threads));
  }
  return ceilings;
}

}  // namespace thresher::measure
