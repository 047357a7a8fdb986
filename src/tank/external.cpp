// External sharks and contestants: a brief goes in, a reply comes out, and anything but a good reply is a failure text.
#include "tank/external.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "tank/external_brief.hpp"
#include "tank/external_reply.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {
namespace {

// A speed-up beyond a thousandfold, either way, is a slip of the pen: it would drown every other forecast.
constexpr double kMostSpeedUp = 1000.0;
constexpr std::size_t kMostRemarks = 20;

[[noreturn]] void wrong(const std::string& why) {
  throw Error(ErrorCode::parse, why);
}

// Only an object has members; `what` is what the complaint calls it.
const Json& member(const Json& json, const std::string& key, const std::string& what) {
  if (!json.is_object() || !json.contains(key)) {
    wrong(fmt::format("{} has no \"{}\"", what, key));
  }
  return json.at(key);
}

double number(const Json& json, const std::string& key, const std::string& what, double low, double high) {
  const Json& value = member(json, key, what);
  if (!value.is_number()) {
    wrong(fmt::format("{}: \"{}\" is no number but a {}", what, key, value.type_name()));
  }
  const double found = value.get<double>();
  if (!std::isfinite(found) || found < low || found > high) {
    wrong(fmt::format("{}: \"{}\" = {} is not from {} to {}", what, key, found, low, high));
  }
  return found;
}

std::string text(const Json& json, const std::string& key, const std::string& what) {
  const Json& value = member(json, key, what);
  if (!value.is_string()) {
    wrong(fmt::format("{}: \"{}\" is no text but a {}", what, key, value.type_name()));
  }
  return value.get<std::string>();
}

std::vector<CriterionScore> read_scores(const Json& reply, const Rules& rules) {
  const Json& scores = member(reply, "scores", "the reply");
  std::vector<CriterionScore> read;
  std::vector<std::string> names;
  for (const Criterion& criterion : rules.criteria) {
    const Json& one = member(scores, criterion.name, "scores");
    const std::string what = fmt::format("score of {}", criterion.name);
    read.push_back({.criterion = criterion.name,
                    .score = number(one, "score", what, 0.0, 10.0),
                    .reason = text(one, "reason", what)});
    names.push_back(criterion.name);
  }
  for (const auto& [name, value] : scores.items()) {
    if (rules.find(name) == nullptr) {
      wrong(fmt::format("scores: there is no criterion \"{}\"; there are {}", name, fmt::join(names, ", ")));
    }
  }
  return read;
}

Forecast read_forecast(const Json& reply) {
  const Json& json = member(reply, "forecast", "the reply");
  const Forecast forecast{.p_win = number(json, "p_win", "forecast", 0.0, 1.0),
                          .low = number(json, "low", "forecast", 1.0 / kMostSpeedUp, kMostSpeedUp),
                          .high = number(json, "high", "forecast", 1.0 / kMostSpeedUp, kMostSpeedUp)};
  if (forecast.low > forecast.high) {
    wrong(fmt::format("forecast: \"low\" = {} is above \"high\" = {}", forecast.low, forecast.high));
  }
  return forecast;
}

std::vector<std::string> read_remarks(const Json& reply) {
  std::vector<std::string> remarks;
  if (!reply.contains("remarks")) {
    return remarks;
  }
  const Json& json = reply.at("remarks");
  if (!json.is_array() || json.size() > kMostRemarks) {
    wrong(fmt::format("\"remarks\" is no list of at most {} texts", kMostRemarks));
  }
  for (const Json& one : json) {
    if (!one.is_string()) {
      wrong(fmt::format("a remark is no text but a {}", one.type_name()));
    }
    remarks.push_back(one.get<std::string>());
  }
  return remarks;
}

// Text that is not UTF-8 (a folder's name, say) has its bad bytes replaced.
std::string brief_text(const Json& brief) {
  return brief.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Reply ask(const std::vector<std::string>& command, const std::filesystem::path& folder, const Json& brief,
          double seconds) {
  const ProgramOutput output = run_program(command, folder, brief_text(brief), seconds);
  if (!output.failure.empty()) {
    return {.json = nullptr, .failure = output.failure};
  }
  return parse_reply(output.out);
}

std::string complaint(const std::string& who, const std::vector<std::string>& command, const std::string& failure) {
  return clean_text(fmt::format("{} ('{}') {}", who, fmt::join(command, " "), failure));
}

class ProgramShark : public Shark {
 public:
  ProgramShark(ExternalProgram shark, std::filesystem::path folder)
      : shark_(std::move(shark)), folder_(std::move(folder)) {}

  [[nodiscard]] std::string name() const override { return shark_.name; }

  [[nodiscard]] std::string looks_at() const override {
    return fmt::format("an executable of its own ('{}') that reads the brief and has {:g} s",
                       fmt::join(shark_.command, " "), shark_.seconds);
  }

  [[nodiscard]] Assessment assess(const Brief& brief) const override {
    Assessment assessment;
    assessment.shark = shark_.name;
    try {
      const Reply reply = ask(shark_.command, folder_, shark_brief(shark_.name, brief), shark_.seconds);
      if (!reply.failure.empty()) wrong(reply.failure);
      const Forecast forecast = read_forecast(reply.json);
      std::vector<std::string> remarks = read_remarks(reply.json);
      assessment.scores = read_scores(reply.json, *brief.rules);
      assessment.forecast = forecast;
      assessment.remarks = std::move(remarks);
    } catch (const std::exception& error) {
      assessment.failure = complaint("external shark " + shark_.name, shark_.command, error.what());
    }
    return assessment;
  }

 private:
  ExternalProgram shark_;
  std::filesystem::path folder_;
};

}  // namespace

std::unique_ptr<Shark> external_shark(const ExternalProgram& shark, const std::filesystem::path& folder) {
  return std::make_unique<ProgramShark>(shark, folder);
}

ExternalPitch external_pitch(const std::string& id, const std::vector<std::string>& command, double seconds,
                             const std::filesystem::path& folder, const Json& brief, const PitchContext& context) {
  ExternalPitch result;
  try {
    const Reply reply = ask(command, folder, brief, seconds);
    if (!reply.failure.empty()) wrong(reply.failure);
    result.pitch = parse_pitch(to_toml(reply.json), id, folder, "its pitch", context);
  } catch (const std::exception& error) {
    result.failure = complaint("external contestant " + id, command, error.what());
  }
  return result;
}

}  // namespace thresher::tank
