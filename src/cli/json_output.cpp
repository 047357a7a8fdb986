// Reports as JSON.
#include "cli/json_output.hpp"

#include <algorithm>
#include <optional>

#include "tank/or_null.hpp"

namespace thresher::cli {
using tank::or_null;

Json to_json(const device::Ceilings& ceilings) {
  Json rates = Json::object();
  for (const auto& [isa, rate] : ceilings.flops_per_second) {
    rates[to_string(isa)] = rate * 1e-12;
  }
  return {{"threads", ceilings.threads},
          {"read_gbytes_per_s", ceilings.read_bytes_per_second * 1e-9},
          {"tflops", rates},
          {"measured_at", ceilings.measured_at}};
}

Json to_json(const BenchResult& result) {
  const BenchTimes times = result.times.value_or(BenchTimes{});
  const auto timed = [&](double value) { return result.times ? Json(value) : Json(nullptr); };
  Json json = {{"case", result.case_name},
               {"op", to_string(result.op)},
               {"kernel", std::string("cpu_") + to_string(result.op)},
               {"isa", to_string(result.isa)},
               {"config", to_text(result.config)},
               {"threads", result.config.threads},
               {"median_us", timed(times.median_us)},
               {"low_us", or_null(times.low_us)},
               {"high_us", or_null(times.high_us)},
               {"samples", times.samples},
               {"floor_us", timed(times.floor_us)},
               {"floor_fraction", timed(times.floor_fraction)},
               {"rate_fraction", timed(times.rate_fraction)},
               {"bandwidth_fraction", timed(times.bandwidth_fraction)},
               {"tflops", timed(times.tflops)},
               {"gbytes_per_s", timed(times.gbytes_per_s)},
               {"max_rel_err", or_null(result.max_rel_err)},
               {"ok", result.ok}};
  json["target_us"] = or_null(result.target_us);
  json["target_source"] = result.target_source.empty() ? Json(nullptr) : Json(result.target_source);
  json["data_sets"] = result.sets;
  json["data_set_bytes"] = result.set_bytes;
  json["beyond_cache"] = result.beyond_cache;
  json["error"] = result.error.empty() ? Json(nullptr) : Json(result.error);
  return json;
}

Json to_json(const BenchReport& report) {
  // One object for the usual case of one number of threads, with the rates of every instruction set that ran.
  Json ceilings = Json::object();
  Json others = Json::array();
  for (const device::Ceilings& measured : report.ceilings) {
    Json next = to_json(measured);
    if (ceilings.empty()) {
      ceilings = std::move(next);
    } else if (ceilings["threads"] == next["threads"]) {
      ceilings["tflops"].update(next["tflops"]);
    } else {
      others.push_back(std::move(next));
    }
  }
  if (!others.empty()) {
    ceilings["other_threads"] = others;
  }
  Json results = Json::array();
  for (const BenchResult& result : report.results) {
    results.push_back(to_json(result));
  }
  const bool ok = std::all_of(report.results.begin(), report.results.end(), [](const auto& r) { return r.ok; });
  return {{"device", report.device},
          {"machine", report.machine},
          {"cases_from", report.cases_from},
          {"ceilings", ceilings},
          {"results", results},
          {"ok", ok && !report.interrupted},
          {"interrupted", report.interrupted}};
}

Json to_json(const VerifyReport& report) {
  Json isas = Json::array();
  for (const auto& [isa, totals] : report.totals) {
    isas.push_back({{"isa", to_string(isa)},
                    {"seeds", totals.seeds},
                    {"elements", totals.elements},
                    {"failures", totals.failures},
                    {"max_rel_err", totals.max_rel_err},
                    {"worst_ratio", totals.worst_ratio}});
  }
  Json failures = Json::array();
  for (const VerifyFailure& failure : report.failures) {
    failures.push_back({{"isa", to_string(failure.isa)},
                        {"seed", failure.seed},
                        {"problem", failure.problem},
                        {"config", failure.config},
                        {"error", failure.error},
                        {"reproduce", reproduce_command(failure)}});
  }
  return {{"isas", isas},
          {"failures", failures},
          {"ok", report.failures.empty() && !report.interrupted},
          {"interrupted", report.interrupted}};
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace thresher::cli
