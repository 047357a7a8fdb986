// Options that several commands share, each checked while parsing, so that a bad value is a usage error.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/generate.hpp"
#include "thresher/config.hpp"
#include "thresher/problem.hpp"

namespace thresher::cli {

// Each adds one option that fills `value`; the choices are the library's own names.
CLI::Option* add_op(CLI::App& app, std::optional<Op>& value);
CLI::Option* add_isa(CLI::App& app, std::optional<Isa>& value);
CLI::Option* add_recipe(CLI::App& app, Recipe& value);
CLI::Option* add_operand(CLI::App& app, OperandType& value);
CLI::Option* add_output(CLI::App& app, OutputType& value);
CLI::Option* add_activation(CLI::App& app, ActivationKind& value);

/// --device of commands that only know the CPU; whatever else is asked for is refused in words.
CLI::Option* add_device(CLI::App& app, std::string& value);

/// A device as a command line names it.
struct DeviceChoice {
  std::optional<int> gpu;  // the N of cuda:N; nothing is the CPU

  bool operator==(const DeviceChoice&) const = default;
};

/// "cpu", "cuda" (the first GPU) or "cuda:N"; nothing for other text.
std::optional<DeviceChoice> parse_device(std::string_view text);
std::string to_text(const DeviceChoice& device);

/// --device of commands that run on a GPU, too. Whether that GPU exists is not known while parsing.
CLI::Option* add_any_device(CLI::App& app, DeviceChoice& value);

/// --threads, 1 to all logical CPUs that this process may run on.
CLI::Option* add_threads(CLI::App& app, int& value);

/// A seed by the name `name`: 0 to 2^64 - 1. NOTE: the parser itself would take -1 for the largest one.
CLI::Option* add_seed(CLI::App& app, const std::string& name, std::uint64_t& value);

/// A duration: "90", "90s", "5m", "1.5h"; more than 0, at most a week.
CLI::Option* add_seconds(CLI::App& app, const std::string& name, std::optional<double>& value);

/// "5m" -> 300. Nothing for text that is not a duration.
std::optional<double> parse_seconds(std::string_view text);

/// The instruction set that THRESHER_CPU_ISA forces. Throws Error(environment) for one that can't run here, or when
/// `asked` differs from it: the variable would win and the result would not be what was asked for.
std::optional<Isa> forced_isa(std::optional<Isa> asked);

}  // namespace thresher::cli
