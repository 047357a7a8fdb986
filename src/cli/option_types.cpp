// Parsing and checking of shared options.
#include "cli/option_types.hpp"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <system_error>

#include "device/cpu_info.hpp"
#include "device/environment.hpp"
#include "engine/forced_isa.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

// Names of an enum, found by walking it until to_string() stops giving names that parse.
template <typename Enum, typename Parse>
std::string choices(Enum first, Parse parse) {
  std::string names;
  for (int i = static_cast<int>(first); parse(to_string(static_cast<Enum>(i))) == static_cast<Enum>(i); ++i) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(static_cast<Enum>(i)));
  }
  return names;
}

template <typename Enum, typename Target, typename Parse>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Target& value, Enum first, Parse parse) {
  const auto refusal = [first, parse](const std::string& text) -> std::string {
    const std::optional<Enum> parsed = parse(text);
    if (parsed && *parsed >= first) {
      return {};
    }
    return fmt::format("'{}' is none of {}", text, choices(first, parse));
  };
  return app.add_option_function<std::string>(name, [&value, parse](const std::string& text) { value = *parse(text); })
      ->check(refusal);
}

}  // namespace

CLI::Option* add_op(CLI::App& app, std::optional<Op>& value) {
  return add_choice(app, "--op", value, Op::plain, parse_op);
}

CLI::Option* add_isa(CLI::App& app, std::optional<Isa>& value) {
  return add_choice(app, "--isa", value, Isa::portable, parse_isa);
}

CLI::Option* add_recipe(CLI::App& app, Recipe& value) {
  return add_choice(app, "--recipe", value, Recipe::full_range, parse_recipe);
}

CLI::Option* add_operand(CLI::App& app, OperandType& value) {
  return add_choice(app, "--operand", value, OperandType::nvfp4, parse_operand_type);
}

CLI::Option* add_output(CLI::App& app, OutputType& value) {
  return add_choice(app, "--output", value, OutputType::fp16, parse_output_type);
}

CLI::Option* add_activation(CLI::App& app, ActivationKind& value) {
  return add_choice(app, "--activation", value, ActivationKind::silu, parse_activation_kind);
}

CLI::Option* add_device(CLI::App& app, std::string& value) {
  const auto refusal = [](const std::string& text) -> std::string {
    return text == "cpu" ? "" : fmt::format("'{}' can't run here: this command is for the CPU; give cpu", text);
  };
  return app.add_option("--device", value)->check(refusal);
}

std::optional<DeviceChoice> parse_device(std::string_view text) {
  constexpr std::string_view kGpu = "cuda";
  if (text == "cpu") return DeviceChoice{};
  if (!text.starts_with(kGpu)) return std::nullopt;
  text.remove_prefix(kGpu.size());
  if (text.empty()) return DeviceChoice{.gpu = 0};
  if (text.front() != ':' || text.size() < 2 || text[1] == '-') return std::nullopt;
  text.remove_prefix(1);
  int ordinal = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ordinal);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(DeviceChoice{.gpu = ordinal}) : std::nullopt;
}

std::string to_text(const DeviceChoice& device) {
  return device.gpu ? fmt::format("cuda:{}", *device.gpu) : "cpu";
}

CLI::Option* add_any_device(CLI::App& app, DeviceChoice& value) {
  const auto refusal = [](const std::string& text) -> std::string {
    return parse_device(text) ? "" : fmt::format("'{}' is no device; give cpu, cuda or cuda:N", text);
  };
  return app
      .add_option_function<std::string>("--device", [&value](const std::string& text) { value = *parse_device(text); })
      ->check(refusal);
}

CLI::Option* add_threads(CLI::App& app, int& value) {
  const auto refusal = [](const std::string& text) -> std::string {
    const int cores = device::cpu_info().cores;
    int count = 0;
    if (CLI::detail::lexical_cast(text, count) && count >= 1 && count <= cores) {
      return {};
    }
    return fmt::format("'{}' is not 1 to {}, the CPUs that this process may run on", text, cores);
  };
  return app.add_option("--threads", value)->check(refusal);
}

CLI::Option* add_seed(CLI::App& app, const std::string& name, std::uint64_t& value) {
  const auto refusal = [](const std::string& text) -> std::string {
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? "" : fmt::format("'{}' is not a number from 0 to 18446744073709551615", text);
  };
  return app.add_option(name, value)->check(refusal);
}

std::optional<double> parse_seconds(std::string_view text) {
  double unit = 1.0;
  if (!text.empty() && std::string_view("smh").find(text.back()) != std::string_view::npos) {
    unit = text.back() == 's' ? 1.0 : text.back() == 'm' ? 60.0 : 3600.0;
    text.remove_suffix(1);
  }
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr double kWeek = 7.0 * 24.0 * 3600.0;
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number > 0.0 && number * unit <= kWeek ? std::optional(number * unit) : std::nullopt;
}

CLI::Option* add_seconds(CLI::App& app, const std::string& name, std::optional<double>& value) {
  const auto refusal = [](const std::string& text) -> std::string {
    return parse_seconds(text) ? "" : fmt::format("'{}' is not a duration such as 90s, 5m or 1.5h", text);
  };
  return app.add_option_function<std::string>(name, [&value](const std::string& text) { value = parse_seconds(text); })
      ->check(refusal);
}

std::optional<Isa> forced_isa(std::optional<Isa> asked) {
  const std::optional<Isa> forced = engine::forced_isa(device::read_environment().cpu_isa, device::cpu_info().isas);
  if (forced && asked && *asked != *forced) {
    throw Error(ErrorCode::environment,
                fmt::format("THRESHER_CPU_ISA={} overrides the {} that was asked for; unset the variable or ask for {}",
                            to_string(*forced), to_string(*asked), to_string(*forced)));
  }
  return forced;
}

}  // namespace thresher::cli
