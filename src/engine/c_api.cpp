// The C ABI: plain structs in, C++ views out, and every exception turned into a status and a message.
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "device/cpu_info.hpp"
#include "engine/message.hpp"
#include "engine/validate_call.hpp"
#include "thresher/thresher.h"
#include "thresher/thresher.hpp"

struct thresher_engine {
  thresher::Engine engine;
};

struct thresher_weights {
  thresher::PackedWeights weights;
};

namespace {

using thresher::Error;
using thresher::ErrorCode;
using thresher::engine::refuse;

#define THRESHER_TEXT_OF(x) #x
#define THRESHER_TEXT(x) THRESHER_TEXT_OF(x)
constexpr const char* kVersion = THRESHER_TEXT(THRESHER_VERSION_MAJOR) "." THRESHER_TEXT(
    THRESHER_VERSION_MINOR) "." THRESHER_TEXT(THRESHER_VERSION_PATCH);

// NOTE: a fixed buffer, because the message that memory ran out must not need memory.
constexpr std::size_t kMessageBytes = 1024;
thread_local char last_error[kMessageBytes] = "";

thresher_status fail(ErrorCode code, const char* message) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s", message);
  return static_cast<thresher_status>(code);
}

// Runs `body`; whatever it throws ends here.
template <typename Body>
thresher_status guarded(const Body& body) noexcept {
  try {
    body();
    return THRESHER_OK;
  } catch (const Error& error) {
    return fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "out of memory; free some, or work on fewer groups at a time");
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, error.what());
  } catch (...) {
    return fail(ErrorCode::internal, "an exception of an unknown type; please report how it came about");
  }
}

template <typename T>
T& required(T* pointer, const char* name) {
  if (pointer == nullptr) refuse(std::string("the argument '") + name + "' is null; give a valid pointer");
  return *pointer;
}

// A pointer and a count that disagree are a mistake either way: a null array of many, or an array nobody would read.
template <typename T>
std::span<const T> span_of(const char* name, const T* data, std::int64_t count) {
  if (count < 0) refuse(std::string(name) + " has a count of " + std::to_string(count) + "; give 0 or more");
  if (data == nullptr && count != 0) {
    refuse(std::string(name) + " is null but its count is " + std::to_string(count) + "; give both or neither");
  }
  if (data != nullptr && count == 0) {
    refuse(std::string(name) + " is given but its count is 0; give both or neither");
  }
  return {data, static_cast<std::size_t>(count)};
}

thresher::Nvfp4View view_of(const thresher_nvfp4_view& view) {
  return {.codes = view.codes,
          .scales = view.scales,
          .global_scale = view.global_scale,
          .rows = view.rows,
          .k = view.k,
          .layout = static_cast<thresher::ScaleLayout>(view.scale_layout)};
}

thresher::OperandView view_of(const thresher_operand_view& a) {
  thresher::OperandView view{.type = static_cast<thresher::OperandType>(a.type),
                             .data = a.data,
                             .scales = a.scales,
                             .global_scales = {},
                             .rows = a.rows,
                             .k = a.k};
  if (view.type == thresher::OperandType::nvfp4) {
    view.global_scales = span_of("a.global_scales", a.global_scales, a.global_scale_count);
  }
  return view;
}

thresher::OutputView view_of(const thresher_output_view& out) {
  return {.type = static_cast<thresher::OutputType>(out.type),
          .data = out.data,
          .scales = out.scales,
          .global_scale = out.global_scale,
          .rows = out.rows,
          .n = out.n};
}

thresher::GroupedGemmArgs arguments_of(const thresher_args& args) {
  // NOTE: compared exactly. A larger struct holds fields that this library would silently ignore.
  if (args.struct_size != sizeof(thresher_args)) {
    refuse("args.struct_size is " + std::to_string(args.struct_size) + " but this library, version " + kVersion +
           ", has " + std::to_string(sizeof(thresher_args)) +
           "; set it to sizeof(thresher_args) and compile with the header of this version");
  }
  if (args.workspace == nullptr && args.workspace_bytes != 0) {
    refuse("workspace is null but workspace_bytes is " + std::to_string(args.workspace_bytes) +
           "; give both or neither");
  }
  return {.a = view_of(args.a),
          .offsets = span_of("offsets", args.offsets, args.offset_count),
          .out = view_of(args.out),
          .bias = span_of("bias", args.bias, args.bias_count),
          .bias_up = span_of("bias_up", args.bias_up, args.bias_up_count),
          .activation = {.kind = static_cast<thresher::ActivationKind>(args.activation.kind),
                         .alpha = args.activation.alpha,
                         .beta = args.activation.beta,
                         .limit = args.activation.limit},
          .workspace = {static_cast<std::byte*>(args.workspace), args.workspace_bytes},
          .report = nullptr};
}

thresher_call_report report_of(const thresher::CallReport& report) noexcept {
  return {.isa = static_cast<std::int32_t>(report.isa),
          .reserved = 0,
          .threads = report.threads,
          .tasks = report.tasks,
          .token_blocks = report.token_blocks,
          .panels_dequantised = report.panels_dequantised,
          .panels_ahead = report.panels_ahead,
          .panels_handed_over = report.panels_handed_over,
          .lines_prefetched = report.lines_prefetched,
          .lines_streamed = report.lines_streamed};
}

using Call = void (thresher::Engine::*)(const thresher::PackedWeights&, const thresher::GroupedGemmArgs&) const;

thresher_status call(thresher::Op op, Call function, const thresher_engine* engine, const thresher_weights* weights,
                     const thresher_args* args) noexcept {
  return guarded([&] {
    const thresher::Engine& runner = required(engine, "engine").engine;
    const thresher::PackedWeights& packed = required(weights, "weights").weights;
    const thresher_args& given = required(args, "args");
    thresher::GroupedGemmArgs arguments = arguments_of(given);
    thresher::CallReport report;
    if (given.report != nullptr) {
      arguments.report = &report;
      // The engine sees its own report only; where the caller's lies is checked here, once the sizes are known good.
      thresher::engine::validate_call(op, packed, arguments);
      thresher::engine::validate_report(packed, arguments, std::as_bytes(std::span(given.report, 1)));
    }
    (runner.*function)(packed, arguments);
    if (given.report != nullptr) *given.report = report_of(report);
  });
}

thresher::Problem problem_of(const thresher::WeightsShape& shape, std::span<const std::int32_t> offsets,
                             std::int32_t output_type) {
  if (std::cmp_not_equal(offsets.size(), shape.groups + 1)) {
    refuse("offsets has " + std::to_string(offsets.size()) +
           " entries; give groups + 1 = " + std::to_string(shape.groups + 1));
  }
  thresher::Problem problem;
  problem.op = shape.op;
  problem.n = shape.n;
  problem.k = shape.k;
  problem.output = static_cast<thresher::OutputType>(output_type);
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    problem.m.push_back(static_cast<std::int64_t>(offsets[i]) - offsets[i - 1]);
  }
  return problem;
}

}  // namespace

extern "C" {

const char* thresher_version(void) {
  return kVersion;
}

const char* thresher_status_name(int status) {
  if (status == THRESHER_OK) return "ok";
  if (status < THRESHER_OK || status > THRESHER_INTERNAL) return "unknown";
  return thresher::to_string(static_cast<ErrorCode>(status));
}

const char* thresher_last_error(void) {
  return last_error;
}

int32_t thresher_isa_count(void) {
  std::int32_t count = 0;
  (void)guarded([&] { count = static_cast<std::int32_t>(thresher::device::cpu_info().isas.size()); });
  return count;
}

thresher_status thresher_isa(int32_t index, thresher_isa_info* info) {
  return guarded([&] {
    thresher_isa_info& result = required(info, "info");
    const auto& isas = thresher::device::cpu_info().isas;
    if (index < 0 || std::cmp_greater_equal(index, isas.size())) {
      refuse("there is no instruction set " + std::to_string(index) + "; give 0 to " + std::to_string(isas.size() - 1));
    }
    const thresher::IsaStatus& status = isas[static_cast<std::size_t>(index)];
    result = {.name = thresher::to_string(status.isa), .usable = status.usable, .why_not = status.why_not.c_str()};
  });
}

thresher_status thresher_engine_create(const char* config, thresher_engine** engine) {
  return guarded([&] {
    thresher_engine*& result = required(engine, "engine");
    result = nullptr;
    const std::string_view text = config == nullptr ? std::string_view{} : std::string_view{config};
    result = new thresher_engine{thresher::Engine({.cpu = thresher::cpu_config_from_text(text)})};
  });
}

void thresher_engine_destroy(thresher_engine* engine) {
  delete engine;
}

thresher_status thresher_engine_resolve(const thresher_engine* engine, const thresher_weights* weights,
                                        const int32_t* offsets, int64_t offset_count, int32_t output_type, char* text,
                                        size_t text_bytes, size_t* needed_bytes) {
  return guarded([&] {
    const thresher::Engine& runner = required(engine, "engine").engine;
    const thresher::WeightsShape& shape = required(weights, "weights").weights.shape();
    std::size_t& needed = required(needed_bytes, "needed_bytes");
    const auto rows = span_of("offsets", offsets, offset_count);
    const std::string config = to_text(runner.resolve(problem_of(shape, rows, output_type)));
    needed = config.size() + 1;
    if (text == nullptr && text_bytes == 0) return;
    if (text_bytes < needed) {
      refuse("text_bytes is " + std::to_string(text_bytes) + " but the config needs " + std::to_string(needed) +
             "; give a larger buffer");
    }
    std::memcpy(&required(text, "text"), config.c_str(), needed);
  });
}

thresher_status thresher_weights_create(int32_t op, int64_t groups, int64_t n, int64_t k, thresher_weights** weights) {
  return guarded([&] {
    thresher_weights*& result = required(weights, "weights");
    result = nullptr;
    const thresher::WeightsShape shape{.op = static_cast<thresher::Op>(op), .groups = groups, .n = n, .k = k};
    result = new thresher_weights{thresher::PackedWeights(shape)};
  });
}

void thresher_weights_destroy(thresher_weights* weights) {
  delete weights;
}

thresher_status thresher_weights_pack(thresher_weights* weights, int64_t group, const thresher_nvfp4_view* matrix) {
  return guarded([&] {
    thresher::PackedWeights& packed = required(weights, "weights").weights;
    packed.pack(group, view_of(required(matrix, "matrix")));
  });
}

thresher_status thresher_weights_pack_gated(thresher_weights* weights, int64_t group, const thresher_nvfp4_view* gate,
                                            const thresher_nvfp4_view* up) {
  return guarded([&] {
    thresher::PackedWeights& packed = required(weights, "weights").weights;
    packed.pack(group, view_of(required(gate, "gate")), view_of(required(up, "up")));
  });
}

thresher_status thresher_weights_bytes(const thresher_weights* weights, size_t* bytes) {
  return guarded([&] { required(bytes, "bytes") = required(weights, "weights").weights.bytes(); });
}

thresher_status thresher_workspace_bytes(const thresher_engine* engine, const thresher_weights* weights,
                                         int64_t max_rows, size_t* bytes) {
  return guarded([&] {
    std::size_t& result = required(bytes, "bytes");
    const thresher::Engine& runner = required(engine, "engine").engine;
    result = runner.workspace_bytes(required(weights, "weights").weights, max_rows);
  });
}

thresher_status thresher_grouped_gemm(const thresher_engine* engine, const thresher_weights* weights,
                                      const thresher_args* args) {
  return call(thresher::Op::plain, &thresher::Engine::grouped_gemm, engine, weights, args);
}

thresher_status thresher_grouped_gated_gemm(const thresher_engine* engine, const thresher_weights* weights,
                                            const thresher_args* args) {
  return call(thresher::Op::gated, &thresher::Engine::grouped_gated_gemm, engine, weights, args);
}

}  // extern "C"
