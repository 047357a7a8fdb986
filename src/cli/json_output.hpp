// What the commands print with --json. Numbers that do not exist are null.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "cli/bench_types.hpp"
#include "cli/verify_run.hpp"
#include "device/ceilings.hpp"

namespace thresher::cli {

/// Keeps the keys in the order in which they are written here, which is the order that people read them in.
using Json = nlohmann::ordered_json;

Json to_json(const device::Ceilings& ceilings);
Json to_json(const BenchResult& result);
Json to_json(const BenchReport& report);
Json to_json(const VerifyReport& report);

/// Indented; text that is not UTF-8 (a folder's name, say) has its bad bytes replaced.
std::string dump(const Json& json);

}  // namespace thresher::cli
