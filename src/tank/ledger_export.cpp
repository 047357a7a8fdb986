// A ledger as one JSON object, complete enough to rebuild it.
#include <fmt/format.h>

#include "tank/ledger.hpp"
#include "tank/ledger_schema.hpp"

namespace thresher::tank {
namespace {

Json to_json(const Event& event) {
  return {{"id", event.id}, {"at", event.at}, {"kind", event.kind}, {"subject", event.subject}, {"data", event.data}};
}

Json to_json(const Sample& sample) {
  return {{"attempt", sample.attempt}, {"block", sample.block},
          {"case", sample.case_name},  {"position", sample.position},
          {"side", sample.side},       {"content", sample.content},
          {"seconds", sample.seconds}, {"clock_mhz", sample.clock_mhz ? Json(*sample.clock_mhz) : Json(nullptr)}};
}

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

std::string to_hex(const std::string& bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char c : bytes) {
    fmt::format_to(std::back_inserter(hex), "{:02x}", static_cast<unsigned char>(c));
  }
  return hex;
}

Json to_json(const Content& content) {
  Json json = {{"hash", content.hash}, {"at", content.at}, {"kind", content.kind}};
  if (is_utf8(content.body)) {
    json["text"] = content.body;
  } else {
    json["hex"] = to_hex(content.body);
  }
  return json;
}

}  // namespace

Json export_ledger(const Ledger& ledger) {
  Json json = {{"schema", kLedgerSchemaVersion},
               {"events", Json::array()},
               {"races", Json::array()},
               {"contents", Json::array()}};
  for (const Event& event : ledger.events()) {
    json["events"].push_back(to_json(event));
  }
  for (const std::string& race : ledger.races()) {
    Json samples = Json::array();
    for (const Sample& sample : ledger.samples(race)) {
      samples.push_back(to_json(sample));
    }
    json["races"].push_back({{"race", race}, {"samples", samples}});
  }
  for (const Content& content : ledger.contents()) {
    json["contents"].push_back(to_json(content));
  }
  return json;
}

}  // namespace thresher::tank
