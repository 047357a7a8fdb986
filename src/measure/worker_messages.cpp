// Messages to JSON and back.
#include "measure/worker_messages.hpp"

#include "thresher/config.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

using nlohmann::json;

constexpr std::size_t kLine = 64;

std::size_t round_up(std::size_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

std::size_t output_bits(OutputType type) {
  return type == OutputType::nvfp4 ? 4 : type == OutputType::fp32 ? 32 : 16;
}

template <typename Enum>
Enum enum_from(const json& value, Enum last) {
  const int number = value.get<int>();
  if (number < 0 || number > static_cast<int>(last)) {
    throw Error(ErrorCode::parse, "a message holds " + std::to_string(number) + " for a choice that ends at " +
                                      std::to_string(static_cast<int>(last)));
  }
  return static_cast<Enum>(number);
}

json problem_to_json(const Problem& problem) {
  return {{"op", static_cast<int>(problem.op)},
          {"m", problem.m},
          {"n", problem.n},
          {"k", problem.k},
          {"operand", static_cast<int>(problem.operand)},
          {"output", static_cast<int>(problem.output)},
          {"activation", static_cast<int>(problem.activation.kind)},
          {"alpha", problem.activation.alpha},
          {"beta", problem.activation.beta},
          {"limit", problem.activation.limit},
          {"bias", problem.bias}};
}

Problem problem_from_json(const json& value) {
  Problem problem;
  problem.op = enum_from(value.at("op"), Op::gated);
  problem.m = value.at("m").get<std::vector<std::int64_t>>();
  problem.n = value.at("n").get<std::int64_t>();
  problem.k = value.at("k").get<std::int64_t>();
  problem.operand = enum_from(value.at("operand"), OperandType::bf16);
  problem.output = enum_from(value.at("output"), OutputType::nvfp4);
  problem.activation.kind = enum_from(value.at("activation"), ActivationKind::relu2);
  problem.activation.alpha = value.at("alpha").get<float>();
  problem.activation.beta = value.at("beta").get<float>();
  problem.activation.limit = value.at("limit").get<float>();
  problem.bias = value.at("bias").get<bool>();
  validate(problem);
  return problem;
}

}  // namespace

std::array<std::size_t, kPieces> piece_bytes(const Problem& problem) {
  const auto rows = static_cast<std::size_t>(problem.total_m());
  const auto n = static_cast<std::size_t>(problem.n);
  const auto k = static_cast<std::size_t>(problem.k);
  const auto groups = static_cast<std::size_t>(problem.groups());
  const bool nvfp4 = problem.operand == OperandType::nvfp4;
  const bool gated = problem.op == Op::gated;
  const auto block = static_cast<std::size_t>(kScaleBlock);
  std::array<std::size_t, kPieces> bytes{};
  const auto set = [&bytes](Piece piece, std::size_t value) { bytes[static_cast<std::size_t>(piece)] = value; };
  set(Piece::a, nvfp4 ? rows * k / 2 : rows * k * 2);
  set(Piece::a_scales, nvfp4 ? rows * k / block : 0);
  set(Piece::a_globals, nvfp4 ? groups * sizeof(float) : 0);
  set(Piece::offsets, (groups + 1) * sizeof(std::int32_t));
  set(Piece::bias, problem.bias ? groups * n * sizeof(float) : 0);
  set(Piece::bias_up, problem.bias && gated ? groups * n * sizeof(float) : 0);
  set(Piece::out, rows * n * output_bits(problem.output) / 8);
  set(Piece::out_scales, problem.output == OutputType::nvfp4 ? rows * n / block : 0);
  return bytes;
}

WeightsLayout::WeightsLayout(const Problem& problem)
    : codes_bytes(static_cast<std::size_t>(problem.n * problem.k / 2)),
      scales_bytes(static_cast<std::size_t>(problem.n * problem.k / kScaleBlock)),
      matrix_bytes(round_up(codes_bytes) + round_up(scales_bytes)),
      matrices(problem.op == Op::gated ? 2 : 1),
      groups(static_cast<std::size_t>(problem.groups())) {}

json to_json(const Candidate& candidate) {
  return {{"name", candidate.name},
          {"kind", static_cast<int>(candidate.kind)},
          {"config", thresher::to_text(candidate.config)},
          {"library", candidate.library.string()}};
}

Candidate candidate_from_json(const json& value) {
  Candidate candidate;
  candidate.name = value.at("name").get<std::string>();
  candidate.kind = enum_from(value.at("kind"), CandidateKind::library);
  candidate.config = cpu_config_from_text(value.at("config").get<std::string>());
  candidate.library = value.at("library").get<std::string>();
  return candidate;
}

json to_json(const PrepareRequest& request) {
  json windows = json::array();
  for (const Window& window : request.windows)
    windows.push_back({window.at, window.bytes});
  return {{"do", "prepare"},
          {"slot", request.slot},
          {"problem", problem_to_json(request.problem)},
          {"threads", request.threads},
          {"sets", request.sets},
          {"windows", windows}};
}

PrepareRequest prepare_from_json(const json& value) {
  PrepareRequest request;
  request.slot = value.at("slot").get<int>();
  request.problem = problem_from_json(value.at("problem"));
  request.threads = value.at("threads").get<int>();
  request.sets = value.at("sets").get<int>();
  for (std::size_t i = 0; i < kPieces; ++i) {
    const json& window = value.at("windows").at(i);
    request.windows[i] = {window.at(0).get<std::size_t>(), window.at(1).get<std::size_t>()};
  }
  return request;
}

json to_json(const RunRequest& request) {
  return {{"do", "run"},
          {"slot", request.slot},
          {"set", request.set},
          {"at", request.at},
          {"out_global_scale", request.out_global_scale}};
}

RunRequest run_from_json(const json& value) {
  RunRequest request;
  request.slot = value.at("slot").get<int>();
  request.set = value.at("set").get<int>();
  request.at = value.at("at").get<std::array<std::size_t, kPieces>>();
  request.out_global_scale = value.at("out_global_scale").get<float>();
  return request;
}

json to_json(const CallReport& report) {
  return {{"config", thresher::to_text(report.config)},
          {"threads", report.threads},
          {"tasks", report.tasks},
          {"token_blocks", report.token_blocks},
          {"panels_dequantised", report.panels_dequantised},
          {"panels_ahead", report.panels_ahead},
          {"panels_handed_over", report.panels_handed_over},
          {"lines_prefetched", report.lines_prefetched},
          {"lines_streamed", report.lines_streamed}};
}

CallReport report_from_json(const json& value) {
  CallReport report;
  report.config = cpu_config_from_text(value.at("config").get<std::string>());
  report.isa = report.config.isa;
  report.threads = value.at("threads").get<std::int64_t>();
  report.tasks = value.at("tasks").get<std::int64_t>();
  report.token_blocks = value.at("token_blocks").get<std::int64_t>();
  report.panels_dequantised = value.at("panels_dequantised").get<std::int64_t>();
  report.panels_ahead = value.at("panels_ahead").get<std::int64_t>();
  report.panels_handed_over = value.at("panels_handed_over").get<std::int64_t>();
  report.lines_prefetched = value.at("lines_prefetched").get<std::int64_t>();
  report.lines_streamed = value.at("lines_streamed").get<std::int64_t>();
  return report;
}

}  // namespace thresher::measure
